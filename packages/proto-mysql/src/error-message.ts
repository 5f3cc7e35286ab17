// SPDX-License-Identifier: Apache-2.0
/** Where an error's message quotes a value: what stands before it and behind it stays. */
const duplicate = /^([^']*').*(' for key .*)$/s;
const incorrect = /( value: ').*('(?: for (?:column|function) .*)?)$/s;

/**
 * Errors whose messages hold values of a statement or of a table at a place that is known, by number ("Server Error
 * Message Reference"; MariaDB: "Error Codes").
 */
const withValue: Readonly<Record<number, RegExp>> = {
  // Duplicate entry 'x' for key 'k'
  1062: duplicate,
  1586: duplicate,
  // Variable 'v' can't be set to the value of 'x'
  1231: /( the value of ').*(')$/s,
  // Incorrect INTEGER value: 'x' for column 'c' at row 1; Truncated incorrect DOUBLE value: 'x'
  1292: incorrect,
  1366: incorrect,
  1411: incorrect,
  1525: incorrect,
  // Invalid utf8mb4 character string: 'x'
  1300: /( string: ').*(')$/s,
  // Illegal double 'x' value found during parsing
  1367: /^(Illegal [^']*').*(' value found)/s,
  // Table has no partition for value x
  1526: /( for value ).*()$/s,
  // Foreign key constraint for table 't', record 'x' would lead to a duplicate entry in table 't', key 'k'
  1761: /(, record ').*(' would lead )/s,
  1762: /(, record ').*(' would lead )/s,
};

/** Errors whose messages hold a piece of the statement, by number. It may begin within a literal, so all of it is hidden. */
const withStatement: Readonly<Record<number, RegExp>> = {
  // … near 'x' at line 1
  1064: /^([^]*? near ')[^]*(' at line \d+)$/,
  1149: /^([^]*? near ')[^]*(' at line \d+)$/,
};

/** Errors whose messages hold names, types and limits only: of databases, tables, columns, keys, routines, users. */
const namesOnly: ReadonlySet<number> = new Set([
  ...[
    1005, 1006, 1007, 1008, 1040, 1044, 1045, 1046, 1047, 1048, 1049, 1050, 1051, 1052, 1053, 1054,
  ],
  ...[
    1055, 1056, 1058, 1060, 1061, 1063, 1065, 1066, 1068, 1069, 1071, 1072, 1073, 1074, 1075, 1091,
  ],
  ...[
    1093, 1095, 1099, 1100, 1101, 1102, 1103, 1109, 1110, 1111, 1112, 1113, 1114, 1117, 1118, 1130,
  ],
  ...[
    1132, 1133, 1136, 1140, 1141, 1142, 1143, 1146, 1147, 1148, 1152, 1153, 1154, 1155, 1156, 1157,
  ],
  ...[
    1158, 1159, 1160, 1161, 1162, 1163, 1164, 1166, 1169, 1170, 1171, 1172, 1173, 1175, 1176, 1177,
  ],
  ...[
    1178, 1180, 1184, 1185, 1192, 1194, 1195, 1196, 1203, 1205, 1206, 1207, 1213, 1214, 1215, 1216,
  ],
  ...[
    1217, 1222, 1225, 1226, 1227, 1237, 1239, 1240, 1241, 1242, 1243, 1247, 1248, 1250, 1264, 1265,
  ],
  ...[
    1267, 1269, 1270, 1271, 1304, 1305, 1307, 1308, 1309, 1312, 1313, 1314, 1317, 1318, 1319, 1320,
  ],
  ...[
    1321, 1322, 1323, 1324, 1325, 1326, 1327, 1328, 1329, 1347, 1348, 1349, 1350, 1351, 1353, 1354,
  ],
  ...[
    1356, 1359, 1360, 1361, 1362, 1363, 1364, 1370, 1390, 1396, 1401, 1406, 1410, 1415, 1416, 1417,
  ],
  ...[
    1418, 1419, 1422, 1423, 1424, 1442, 1449, 1451, 1452, 1461, 1524, 1553, 1558, 1615, 1701, 1792,
  ],
  ...[1826, 1832, 1833, 1834, 1927, 1969, 3024, 3140, 3141, 3819, 4025, 4031],
]);

/** Errors whose whole text a statement chose (SIGNAL). */
const ownText = 1644;

/**
 * What the server says of an error, without values: `Duplicate entry '?' for key 'PRIMARY'`. Of errors that are not known
 * to hold names only, and where a message is not in English or was cut, all that stands behind a quote is hidden.
 */
export function redactMessage(message: string, code: number | undefined): string {
  if (code === undefined) return hideQuoted(message);
  if (code === ownText) return '?';
  if (namesOnly.has(code)) return message;
  const hidden = withStatement[code] ?? withValue[code];
  return hidden?.test(message) === true ? message.replace(hidden, '$1?$2') : hideQuoted(message);
}

function hideQuoted(message: string): string {
  return message.replace(/(['"`]).*/s, '$1?');
}
