import { readFile } from "node:fs/promises";

import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import { readDevnetFile } from "./devnet-file.ts";
import { firstIssue } from "./first-issue.ts";
import { ENVIRONMENT, settingsSchema, type Settings } from "./schema.ts";

const treeSchema = z.record(z.string(), z.unknown());

type Tree = z.output<typeof treeSchema>;

export interface LoadSettingsInit {
  /** Values by dotted path, such as `http.port`; they win over everything. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** @default the process's environment */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** JSON with the same fields. */
  readonly file?: string;
  /** What a running devnet has written: networks and the mnemonic of its accounts. */
  readonly devnetFile?: string;
}

/** Settings that one place gives, in the words of whoever looks for it. */
export interface SettingsLayer {
  /** Such as `SPRF_HTTP_PORT`, a file's path, or `option`. */
  readonly from: string;
  readonly tree: Tree;
}

/**
 * Settings from flags over the environment over a file over a devnet's file over defaults.
 *
 * @throws SprfError `CONFIG_INVALID` naming the first field that is wrong, and the variable that sets it
 */
export async function loadSettings(init: LoadSettingsInit = {}): Promise<Settings> {
  return await loadSettingsAs(settingsSchema, init);
}

/** The same for a command that needs a part of them only. */
export async function loadSettingsAs<T>(schema: z.ZodType<T, unknown>, init: LoadSettingsInit): Promise<T> {
  return parseLayers(schema, await settingsLayers(init));
}

/** Where settings come from, the weakest first. @throws SprfError `CONFIG_INVALID` for a file that is none */
export async function settingsLayers(init: LoadSettingsInit): Promise<readonly SettingsLayer[]> {
  const environment = init.environment ?? process.env;
  const layers: SettingsLayer[] = [];
  if (init.devnetFile !== undefined) {
    const { networks, mnemonic } = await readDevnetFile(init.devnetFile);
    layers.push({ from: init.devnetFile, tree: { networks, identity: { mnemonic } } });
  }
  if (init.file !== undefined) layers.push({ from: init.file, tree: await readJson(init.file) });
  for (const [variable, path] of Object.entries(ENVIRONMENT)) {
    const value = environment[variable];
    if (value !== undefined && value !== "") layers.push({ from: variable, tree: treeOf(path, value) });
  }
  for (const [path, value] of Object.entries(init.flags ?? {})) {
    if (value !== undefined) layers.push({ from: "option", tree: treeOf(path, value) });
  }
  return layers;
}

/** @throws SprfError `CONFIG_INVALID` naming the first field that is wrong, and the variable that sets it */
export function parseLayers<T>(schema: z.ZodType<T, unknown>, layers: readonly SettingsLayer[]): T {
  // Groups that are missing as a whole would hide which of their fields to set.
  const tree: Tree = { networks: { chain: { contracts: {} }, ledger: {}, waku: {} } };
  for (const layer of layers) merge(tree, layer.tree);
  const result = schema.safeParse(tree);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".") ?? "";
  const variable = Object.entries(ENVIRONMENT).find(([, field]) => field === path)?.[0];
  throw new SprfError(
    "CONFIG_INVALID",
    `${firstIssue(result.error)}${variable === undefined ? "" : ` (${variable})`}`,
    { context: { path } },
  );
}

async function readJson(path: string): Promise<Tree> {
  try {
    const result = treeSchema.safeParse(JSON.parse(await readText(path)));
    if (result.success) return result.data;
    throw new SprfError("CONFIG_INVALID", `${path}: ${firstIssue(result.error)}`, { cause: result.error });
  } catch (error) {
    if (error instanceof SprfError) throw error;
    throw new SprfError("CONFIG_INVALID", `${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** @throws SprfError `CONFIG_INVALID` */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new SprfError("CONFIG_INVALID", `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function merge(into: Tree, from: Tree): void {
  for (const [name, value] of Object.entries(from)) {
    const present = into[name];
    if (isTree(present) && isTree(value)) merge(present, value);
    else into[name] = isTree(value) ? structuredClone(value) : value;
  }
}

function treeOf(path: string, value: unknown): Tree {
  const names = path.split(".");
  return names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Tree;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
