// A text that several people write in their terminals: each line is a command, and every change of anybody shows the text anew.
// npx node examples/channels/editor.ts <channel> <url of a member's node> --account <index>
import { createInterface } from "node:readline";

import { documentProgramAbi, isSprfError } from "../../src/index.ts";
import { openProgram } from "./open-program.ts";

const PAGE = 500n;
const HELP = `a line is written behind the last character; others:
  /at <place> <text>    writes behind that many characters
  /cut <place> <count>  removes characters
  Ctrl-D leaves`;

const program = await openProgram(documentProgramAbi);
const { client } = program;
const leaving = new AbortController();

/** Ids of the characters that can be seen, in their order. */
async function visibleIds(): Promise<bigint[]> {
  const ids: bigint[] = [];
  for (let after = 0n; ;) {
    const { value: page } = await client.read("charactersFrom", [after, PAGE]);
    ids.push(...page.filter(({ isRemoved }) => !isRemoved).map(({ id }) => id));
    const last = page.at(-1);
    if (last === undefined) return ids;
    after = last.id;
  }
}

async function obey(line: string): Promise<void> {
  const ids = await visibleIds();
  const at = /^\/at (\d+) (.+)$/.exec(line);
  const cut = /^\/cut (\d+) (\d+)$/.exec(line);
  // What others do meanwhile moves no character to another id.
  if (cut !== null) {
    const first = Number(cut[1]);
    await (await client.call("remove", [ids.slice(first, first + Number(cut[2]))])).committed();
  } else if (line.startsWith("/") && at === null) console.log(HELP);
  else {
    const behind = at === null ? ids.at(-1) : ids[Number(at[1]) - 1];
    await (await client.call("insert", [behind ?? 0n, at?.[2] ?? line])).committed();
  }
}

let text: string | undefined;
async function show(): Promise<void> {
  const { value: content } = await client.read("content", []);
  if (content !== text) console.log(`| ${content.replaceAll("\n", "\n| ")}`);
  text = content;
}

async function listen(): Promise<void> {
  for await (const update of client.subscribe({ signal: leaving.signal })) {
    if (update.type !== "final") await show();
  }
}

const { value: title } = await client.read("title", []);
console.log(`-- ${title} --\n${HELP}`);
const listening = listen();
try {
  await show();
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      if (line !== "") await obey(line);
    } catch (error) {
      if (!isSprfError(error)) throw error;
      console.error(`not written: ${error.message}`);
    }
  }
  await show();
} finally {
  leaving.abort();
  await listening.catch(() => undefined);
  await program.close();
}
