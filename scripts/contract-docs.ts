// Makes the reference of the contracts out of the NatSpec of their interfaces: a page each in docs/api/contracts, which `npm run docs`
// fills. An interface or a function that changes something, and says nothing of itself, is a fault.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";

import { Interface, type ErrorFragment, type EventFragment, type Fragment, type FunctionFragment } from "ethers";

interface Docs {
  readonly title?: string;
  readonly notice?: string;
  readonly details?: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly returns?: Readonly<Record<string, string>>;
}

interface ContractDocs extends Docs {
  readonly methods?: Readonly<Record<string, Docs>>;
  readonly events?: Readonly<Record<string, Docs>>;
  readonly errors?: Readonly<Record<string, readonly Docs[]>>;
}

interface Compiled {
  readonly abi: unknown[];
  readonly devdoc: ContractDocs;
  readonly userdoc: ContractDocs;
}

const OUT = "docs/api/contracts";
const INTERFACES = "contracts/interfaces";

const solc = createRequire(import.meta.url)("solc") as {
  compile(input: string, callbacks: { import: (path: string) => { contents: string } }): string;
};
const paths = globSync(`${INTERFACES}/*.sol`).sort();
const output = JSON.parse(
  solc.compile(
    JSON.stringify({
      language: "Solidity",
      sources: Object.fromEntries(paths.map((path) => [path, { content: readFileSync(path, "utf8") }])),
      settings: { outputSelection: { "*": { "*": ["abi", "devdoc", "userdoc"] } } },
    }),
    {
      import: (path) => ({
        contents: readFileSync(path.startsWith("contracts/") ? path : join("node_modules", path), "utf8"),
      }),
    },
  ),
) as {
  errors?: { severity: string; formattedMessage: string }[];
  contracts?: Record<string, Record<string, Compiled>>;
};

const faults = (output.errors ?? [])
  .filter(({ severity }) => severity === "error")
  .map(({ formattedMessage }) => formattedMessage);
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const rows: string[] = [];
for (const path of paths) {
  const name = basename(path, ".sol");
  const compiled = output.contracts?.[path]?.[name];
  if (compiled === undefined) continue;
  const { title = "" } = compiled.devdoc;
  if (title === "" && compiled.userdoc.notice === undefined)
    faults.push(`${path}: ${name} has no @title and no @notice`);
  rows.push(`| [${name}](${name}.md) | ${title} |`);
  writeFileSync(join(OUT, `${name}.md`), pageOf(name, path, compiled));
}
writeFileSync(join(OUT, "README.md"), `# Contracts\n\n| interface | what it is |\n| --- | --- |\n${rows.join("\n")}\n`);
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else console.log(`${rows.length} interfaces are described in ${OUT}`);

function pageOf(name: string, path: string, { abi, devdoc, userdoc }: Compiled): string {
  const { fragments } = new Interface(abi as string[]);
  const functions = of<FunctionFragment>(fragments, "function").map((each) => {
    const signature = each.format("sighash");
    const docs = { ...devdoc.methods?.[signature], ...userdoc.methods?.[signature] };
    if (docs.notice === undefined && !each.constant) faults.push(`${path}: ${signature} has no @notice`);
    return section(each, docs);
  });
  const events = of<EventFragment>(fragments, "event").map((each) => {
    const signature = each.format("sighash");
    return section(each, { ...devdoc.events?.[signature], ...userdoc.events?.[signature] });
  });
  const errors = of<ErrorFragment>(fragments, "error").map((each) => {
    const signature = each.format("sighash");
    return section(each, { ...devdoc.errors?.[signature]?.[0], ...userdoc.errors?.[signature]?.[0] });
  });
  return [
    `# ${name}`,
    ...[devdoc.title, userdoc.notice, devdoc.details].flatMap((text) => (text === undefined ? [] : [text])),
    `Source: \`${path}\``,
    ...chapter("Functions", functions),
    ...chapter("Events", events),
    ...chapter("Errors", errors),
    "",
  ].join("\n\n");
}

function of<T extends Fragment>(fragments: readonly Fragment[], type: string): T[] {
  return fragments.filter((each) => each.type === type) as T[];
}

function chapter(title: string, sections: readonly string[]): string[] {
  return sections.length === 0 ? [] : [`## ${title}`, ...sections];
}

function section(fragment: Fragment, { notice, details, params, returns }: Docs): string {
  const listed = [
    ...Object.entries(params ?? {}).map(([parameter, text]) => `- \`${parameter}\`: ${text}`),
    ...Object.entries(returns ?? {}).map(
      ([value, text]) => `- returns ${value === "_0" ? "" : `\`${value}\`: `}${text}`,
    ),
  ];
  return [
    `\`\`\`solidity\n${fragment.format("full")}\n\`\`\``,
    ...[notice, details].flatMap((text) => (text === undefined ? [] : [text])),
    ...(listed.length === 0 ? [] : [listed.join("\n")]),
  ].join("\n\n");
}
