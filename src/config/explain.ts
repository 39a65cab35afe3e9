import { z } from "zod";

import { parseLayers, settingsLayers, type LoadSettingsInit, type SettingsLayer } from "./load.ts";
import { ENVIRONMENT, settingsSchema } from "./schema.ts";

const HIDDEN = "(hidden)";
const SECRETS: ReadonlySet<string> = new Set(["identity.mnemonic", "database.url"]);

/** One setting, and who says so. */
export interface ExplainedSetting {
  /** Such as `http.port`. */
  readonly path: string;
  /** As text; a secret's is never shown. Undefined: not set. */
  readonly value: string | undefined;
  /** A file, a variable of the environment, `option` or `default`. */
  readonly from: string;
  /** The variable that sets it. */
  readonly variable: string | undefined;
}

/** Every setting that has a value or could have one. @throws SprfError `CONFIG_INVALID` */
export async function explainSettings(init: LoadSettingsInit): Promise<readonly ExplainedSetting[]> {
  const layers = await settingsLayers(init);
  const settings = parseLayers(settingsSchema, layers);
  const variables = new Map(Object.entries(ENVIRONMENT).map(([variable, path]) => [path as string, variable]));
  const paths = new Set([...leavesOf(settings).keys(), ...variables.keys()]);
  return [...paths].map((path) => {
    const value = textOf(at(settings, path));
    return {
      path,
      value: value !== undefined && SECRETS.has(path) ? HIDDEN : value,
      from: sourceOf(path, layers),
      variable: variables.get(path),
    };
  });
}

/** JSON Schema of a settings file; each field names the variable that sets it as well. */
export function settingsJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(settingsSchema, { io: "input", unrepresentable: "any" });
  for (const [variable, path] of Object.entries(ENVIRONMENT)) {
    const field = path.split(".").reduce<unknown>((node, name) => at(node, `properties.${name}`), schema);
    if (isTree(field)) field["x-environment"] = variable;
  }
  return schema;
}

function sourceOf(path: string, layers: readonly SettingsLayer[]): string {
  return layers.findLast(({ tree }) => at(tree, path) !== undefined)?.from ?? "default";
}

function leavesOf(node: unknown, prefix = ""): Map<string, unknown> {
  if (!isTree(node)) return new Map([[prefix, node]]);
  return new Map(
    Object.entries(node).flatMap(([name, inner]) => [...leavesOf(inner, prefix === "" ? name : `${prefix}.${name}`)]),
  );
}

function at(node: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, name) => (isTree(inner) ? inner[name] : undefined), node);
}

function textOf(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return Array.isArray(value) ? value.join(",") : `${value as string | number | bigint | boolean}`;
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
