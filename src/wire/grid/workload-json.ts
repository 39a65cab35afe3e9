import { z } from "zod";

import { fromHex, toHex } from "../../utils/bytes.ts";
import { decimalJson } from "../json.ts";
import { uint64Schema } from "../primitives.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { checkWorkload, workloadSchemaOf, type Workload } from "./workload.ts";

const jsonSchema = workloadSchemaOf({
  uint64: decimalJson.transform((text): number | bigint => BigInt(text)).pipe(uint64Schema),
  bytes: (length) =>
    z
      .string()
      .regex(/^[0-9a-f]*$/, "expected lower-case hex digits")
      .length(length * 2)
      .transform((text) => new Uint8Array(fromHex(text))),
});

/** A workload as JSON: large integers in decimal, bytes in hex. */
export function workloadToJson(workload: Workload): unknown {
  return JSON.parse(
    JSON.stringify(withoutUndefined(workload), (_key, value: unknown) => {
      if (typeof value === "bigint") return value.toString();
      return value instanceof Uint8Array ? toHex(value) : value;
    }),
  );
}

/** @throws SprfError `DEPLOYMENT_INVALID` naming the first thing that is wrong */
export function workloadFromJson(value: unknown): Workload {
  return checkWorkload(jsonSchema, value);
}
