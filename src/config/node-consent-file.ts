import { readFile } from "node:fs/promises";

import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import type { NodeConsent } from "../ports/grid-registry.ts";
import { fromHex } from "../utils/bytes.ts";
import { firstIssue } from "./first-issue.ts";

/** What a farm's owner gives to who runs a node. */
const consentFileSchema = z.object({
  farmId: z.int().positive(),
  /** Seconds since 1970. */
  deadlineSeconds: z.int().positive(),
  signature: z.string().regex(/^0x([0-9a-fA-F]{2})+$/, "expected a signature, 0x and hex digits"),
  /** What the signature allows the node to have; a file may leave it to the node's settings. */
  resources: z
    .object({
      cruCores: z.coerce.number().int().positive(),
      sruBytes: z.coerce.bigint().min(0n),
      hruBytes: z.coerce.bigint().min(0n),
      mruBytes: z.coerce.bigint().min(0n),
    })
    .optional(),
});

/** A farm owner's consent, as its file has it. */
export interface NodeConsentFile extends NodeConsent {
  readonly farmId: number;
  readonly resources?: z.output<typeof consentFileSchema>["resources"];
}

/** @throws SprfError `CONFIG_INVALID` */
export async function readNodeConsent(path: string): Promise<NodeConsentFile> {
  const problem = `${path} is no consent of a farm's owner`;
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new SprfError("CONFIG_INVALID", `${problem}: ${messageOf(error)}`, { cause: error });
  }
  const parsed = consentFileSchema.safeParse(json);
  if (!parsed.success) {
    throw new SprfError("CONFIG_INVALID", `${problem}: ${firstIssue(parsed.error)}`, { cause: parsed.error });
  }
  return { ...parsed.data, signature: fromHex(parsed.data.signature) };
}
