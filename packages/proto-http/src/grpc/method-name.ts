// SPDX-License-Identifier: Apache-2.0

/** The two parts of the path of a call. */
export interface GrpcMethod {
  readonly service: string;
  readonly method: string;
}

/** `/package.Service/Method` (gRPC over HTTP2, «Path»), taken apart; undefined when it is no such path. */
export function grpcMethod(path: string | undefined): GrpcMethod | undefined {
  if (path?.startsWith('/') !== true) return undefined;
  const slash = path.lastIndexOf('/');
  if (slash <= 1 || slash === path.length - 1) return undefined;
  return { service: path.slice(1, slash), method: path.slice(slash + 1) };
}
