// SPDX-License-Identifier: Apache-2.0

/** Whether every row can have a column of its own among those that are true in it (augmenting paths). */
export function canAssign(rows: readonly (readonly boolean[])[]): boolean {
  const rowOf: (number | undefined)[] = [];
  const place = (row: number, tried: Set<number>): boolean => {
    for (const [column, fits] of rows[row]!.entries()) {
      if (!fits || tried.has(column)) continue;
      tried.add(column);
      const other = rowOf[column];
      if (other === undefined || place(other, tried)) {
        rowOf[column] = row;
        return true;
      }
    }
    return false;
  };
  return rows.every((_, row) => place(row, new Set()));
}
