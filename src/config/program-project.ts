import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import { firstIssue } from "./first-issue.ts";

/** What a program's folder says of how it is built. */
const PROJECT_FILE = "sprf.json";

const MAX_SOURCES = 256;
/** Below the folder, without a way out of it. */
const inside = z
  .string()
  .regex(/^[\w.][\w.@+-]*(\/[\w.][\w.@+-]*)*$/, "expected a path below the folder")
  .refine((path) => !path.split("/").includes(".."), "expected a path below the folder");

const projectSchema = z.discriminatedUnion("engine", [
  z.strictObject({ engine: z.literal("wasi"), sources: z.array(inside).min(1).max(MAX_SOURCES) }),
  z.strictObject({
    engine: z.literal("docker"),
    image: z.string().regex(/^[a-z0-9]+([._/-][a-z0-9]+)*:[\w.-]{1,128}$/, "expected repository:tag"),
    /** A program and its words that makes what the Dockerfile copies; it runs in the folder. */
    prepare: z.array(z.string().min(1)).min(1).optional(),
  }),
]);

/** How a program is built: C sources for the wasi engine, or a Dockerfile for the docker engine. */
export type ProgramProject = z.output<typeof projectSchema>;

/** Reads a program's folder. @throws SprfError `PROJECT_INVALID` */
export async function readProgramProject(folder: string): Promise<ProgramProject> {
  const path = join(folder, PROJECT_FILE);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new SprfError("PROJECT_INVALID", `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const result = projectSchema.safeParse(json);
  if (result.success) return result.data;
  throw new SprfError("PROJECT_INVALID", `${path}: ${firstIssue(result.error)}`, { cause: result.error });
}
