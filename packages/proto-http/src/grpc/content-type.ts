// SPDX-License-Identifier: Apache-2.0

/**
 * How a body carries gRPC messages: as such (`grpc`), with the trailers as its last message (`web`), or that in base64
 * (`web-text`).
 */
export type GrpcEncoding = 'grpc' | 'web' | 'web-text';

const grpcType = /^application\/grpc(-web(?:-text)?)?(?:[+;\s]|$)/i;

/**
 * Whether a `Content-Type` names gRPC: `application/grpc`, `application/grpc-web`, `application/grpc-web-text`, each
 * with or without `+proto`, `+json` … (gRPC over HTTP2; gRPC-Web, of gRPC's PROTOCOL documents).
 */
export function grpcEncoding(contentType: string | undefined): GrpcEncoding | undefined {
  const match = contentType === undefined ? null : grpcType.exec(contentType);
  if (match === null) return undefined;
  switch (match[1]?.toLowerCase()) {
    case undefined:
      return 'grpc';
    case '-web':
      return 'web';
    default:
      return 'web-text';
  }
}
