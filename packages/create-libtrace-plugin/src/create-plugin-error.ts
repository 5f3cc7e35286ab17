// SPDX-License-Identifier: Apache-2.0

/** Why a plugin could not be made. */
export type CreatePluginErrorCode =
  /** The name is none, or one of libtrace's own protocols. */
  | 'ERR_PLUGIN_NAME'
  /** The folder holds files already, or is a file. */
  | 'ERR_FOLDER_NOT_EMPTY'
  /** The system refused to write there: see `cause`. */
  | 'ERR_FOLDER_WRITE';

/** A plugin could not be made; nothing of what was there before was changed. */
export class CreatePluginError extends Error {
  /** Name of the class. */
  override readonly name = 'CreatePluginError';
  /** Why: does not change from one version to the next. */
  readonly code: CreatePluginErrorCode;
  /** What to do about it. */
  readonly remedy: string;

  /** @internal */
  constructor(code: CreatePluginErrorCode, message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = remedy;
  }
}
