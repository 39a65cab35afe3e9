import { z } from "zod";

import { SprfError } from "../../../errors.ts";
import type { Frame } from "./sandbox/frames.ts";

const outcomeSchema = z.object({
  end: z.enum(["exit", "trap", "output-limit", "state-limit", "failed"]),
  exitCode: z.int().min(0).max(0xffff_ffff),
  message: z.string().max(65_536),
  stateChanged: z.boolean(),
});

/** @throws SprfError `ENGINE_FAILED` when a sandbox answers with what it should not */
export function parseOutcome({
  header,
  bodies,
}: Frame): z.infer<typeof outcomeSchema> & { output: Uint8Array; stderr: Uint8Array } {
  const parsed = outcomeSchema.safeParse(header);
  const [output, stderr] = bodies;
  if (!parsed.success || output === undefined || stderr === undefined) {
    throw new SprfError("ENGINE_FAILED", "the sandbox sent a malformed result", { cause: parsed.error });
  }
  return { ...parsed.data, message: parsed.data.message.slice(0, 500), output, stderr };
}
