import { SprfError } from "../../errors.ts";

/** What a request to the gateway asks for. */
export type GatewayFormat = { readonly kind: "raw" } | { readonly kind: "car"; readonly scope: "block" | "all" };

export const RAW_TYPE = "application/vnd.ipld.raw";
export const CAR_TYPE = "application/vnd.ipld.car";

/** The query parameters that mean something. */
export interface GatewayQuery {
  readonly format?: string | undefined;
  readonly "dag-scope"?: string | undefined;
  readonly "entity-bytes"?: string | undefined;
  readonly "car-version"?: string | undefined;
}

/**
 * Reads the format from the query, else from the Accept header. Nothing is read out of blocks for anybody (that would have to
 * be trusted), so a request has to name a format that can be checked.
 *
 * @see https://specs.ipfs.tech/http-gateways/trustless-gateway/
 * @throws SprfError `INVALID_INPUT`
 */
export function gatewayFormat(query: GatewayQuery, accept: string | undefined): GatewayFormat {
  const kind = query.format ?? kindOf(accept);
  if (kind === "raw") return { kind };
  if (kind !== "car") throw invalid("name a format that can be checked: ?format=raw or ?format=car");
  const version = query["car-version"] ?? parameterOf(accept, "version") ?? "1";
  if (version !== "1") throw invalid("CARs are of version 1 here");
  // Optional in the specification; all of a file holds any part of it.
  if (![undefined, "0:*"].includes(query["entity-bytes"])) throw invalid("entity-bytes is not served; ask for all");
  const scope = query["dag-scope"] ?? "all";
  if (scope === "block") return { kind, scope };
  // What is served here are files and records: an entity is all of its DAG.
  if (scope === "all" || scope === "entity") return { kind, scope: "all" };
  throw invalid("dag-scope is block, entity or all");
}

/** The first of the two types that the header names. */
function kindOf(accept: string | undefined): string | undefined {
  for (const part of (accept ?? "").split(",")) {
    const type = part.split(";")[0]?.trim().toLowerCase();
    if (type === RAW_TYPE) return "raw";
    if (type === CAR_TYPE) return "car";
  }
  return undefined;
}

function parameterOf(accept: string | undefined, name: string): string | undefined {
  const car = (accept ?? "").split(",").find((part) => part.trim().toLowerCase().startsWith(CAR_TYPE));
  const found = car?.split(";").find((parameter) => parameter.trim().toLowerCase().startsWith(`${name}=`));
  return found?.split("=")[1]?.trim();
}

function invalid(message: string): SprfError {
  return new SprfError("INVALID_INPUT", message);
}
