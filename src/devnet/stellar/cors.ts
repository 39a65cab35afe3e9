import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * Lets pages of any origin read the answers, as Stellar RPC does.
 *
 * @returns true when the request only asked whether it may, and has been answered.
 */
export function answerCors(request: IncomingMessage, response: ServerResponse): boolean {
  const { origin } = request.headers;
  const method = request.headers["access-control-request-method"];
  response.setHeader("vary", "origin");
  if (origin !== undefined) response.setHeader("access-control-allow-origin", origin);
  if (request.method !== "OPTIONS" || origin === undefined || method === undefined) return false;
  response.setHeader("access-control-allow-methods", method);
  const headers = request.headers["access-control-request-headers"];
  if (headers !== undefined) response.setHeader("access-control-allow-headers", headers);
  response.writeHead(204).end();
  return true;
}
