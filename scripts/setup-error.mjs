// SPDX-License-Identifier: Apache-2.0

/** A reason why the project cannot be set up here, and what to do about it: shown as two lines, without a stack. */
export class SetupError extends Error {
  constructor(message, remedy, options) {
    super(message, options);
    this.remedy = remedy;
  }
}

/** Runs a script's main function; a SetupError ends it with a clear sentence. */
export async function runMain(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`\nlibtrace: ${error.message}`);
    console.error(`  what to do: ${error.remedy}`);
    if (error.cause !== undefined)
      console.error(`  cause: ${String(error.cause.message ?? error.cause).split('\n')[0]}`);
    process.exitCode = 1;
  }
}
