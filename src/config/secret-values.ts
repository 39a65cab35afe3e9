import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { SprfError } from "../errors.ts";

/** Where the value of a secret is: a variable's name or a path. */
interface Source {
  readonly name: string;
  readonly kind: "environment" | "file";
  readonly from: string;
}

/**
 * Values of secrets by name; paths are relative to `folder`, and one line end at a file's end is not part of its value.
 *
 * @throws SprfError `INVALID_INPUT` naming the secret that has none, never a value
 */
export async function readSecretValues(
  sources: readonly Source[],
  folder: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<ReadonlyMap<string, string>> {
  const values = new Map<string, string>();
  for (const { name, kind, from } of sources) {
    const value = kind === "environment" ? environment[from] : await readValue(name, resolve(folder, from));
    if (value === undefined) {
      throw new SprfError("INVALID_INPUT", `the secret ${name} has no value: the variable ${from} is not set`);
    }
    values.set(name, value);
  }
  return values;
}

async function readValue(name: string, path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `the secret ${name} has no value: ${path} cannot be read`, { cause: error });
  }
}
