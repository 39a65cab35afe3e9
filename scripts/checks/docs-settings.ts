// The table of settings in docs/architecture.md has each field, its environment variable and its default, as src/config/schema.ts
// has them, and no others.
import { ENVIRONMENT, settingsSchema } from "../../src/config/schema.ts";
import { textOf } from "./repository-files.ts";

const DOCUMENT = "docs/architecture.md";
const ROW = /^\| `([\w.]+)` +\| `((?:SPRF|DATABASE)_\w+)` +\| ([^|]*?) +\|/gm;
const NO_ADDRESS = `0x${"0".repeat(40)}`;

const defaults: unknown = settingsSchema.parse({
  networks: {
    chain: {
      rpcUrl: "http://localhost",
      contracts: {
        twins: NO_ADDRESS,
        dispatcher: NO_ADDRESS,
        testers: NO_ADDRESS,
        disputes: NO_ADDRESS,
        records: NO_ADDRESS,
      },
    },
    ledger: { rpcUrl: "http://localhost", networkPassphrase: "-" },
    waku: { peers: [] },
  },
});
const REQUIRED = /^networks\.(chain\.(rpcUrl|contracts\..*)|ledger\..*|waku\.peers)$/;

const wanted = new Map(Object.entries(ENVIRONMENT).map(([variable, field]) => [field as string, variable]));
const rows = [...(textOf(DOCUMENT) ?? "").matchAll(ROW)];
const shown = new Map(rows.map(([, field = "", variable = "", text = ""]) => [field, { variable, text }]));
const faults: string[] = [];
for (const field of [...leavesOf(defaults)].filter((path) => !wanted.has(path))) {
  faults.push(`src/config/schema.ts: no environment variable sets ${field}`);
}
for (const [field, variable] of wanted) {
  const row = shown.get(field);
  if (row?.variable !== variable) faults.push(`${DOCUMENT}: no row for \`${field}\` and \`${variable}\``);
  else if (!isDefault(field, row.text)) faults.push(`${DOCUMENT}: the default of \`${field}\` is not ${row.text}`);
}
for (const field of shown.keys()) {
  if (!wanted.has(field)) faults.push(`${DOCUMENT}: there is no setting \`${field}\``);
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

/** A field without a default is described in any words. */
function isDefault(field: string, text: string): boolean {
  if (REQUIRED.test(field)) return text === "required";
  const value = valueAt(field);
  const words = Array.isArray(value) ? value.join(",") : String(value);
  if (value === undefined || words === "") return text !== "" && text !== "required";
  return text.replaceAll(",", "") === `\`${words}\``.replaceAll(",", "");
}

function valueAt(field: string): unknown {
  let value: unknown = defaults;
  for (const name of field.split(".")) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}

function* leavesOf(value: unknown, path = ""): Generator<string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) yield path;
  else for (const [name, part] of Object.entries(value)) yield* leavesOf(part, path === "" ? name : `${path}.${name}`);
}
