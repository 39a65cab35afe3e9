// A chat in a terminal: shows what was said and what is being said, and says each line that is typed.
// npx node examples/channels/chat.ts <channel> <url of a member's node> --account <index>
import { createInterface } from "node:readline";

import { chatProgramAbi, isSprfError } from "../../src/index.ts";
import { openProgram } from "./open-program.ts";

const NAME_LENGTH = 8;

const program = await openProgram(chatProgramAbi);
const { client, account } = program;
const leaving = new AbortController();

const show = (author: string, timeMs: bigint, text: string): void => {
  const name = author.toLowerCase() === account ? "you" : author.slice(0, NAME_LENGTH);
  console.log(`${new Date(Number(timeMs)).toISOString().slice(11, 19)} ${name.padStart(NAME_LENGTH)}  ${text}`);
};

const { value: title } = await client.read("title", []);
console.log(`-- ${title}; a line says it, Ctrl-D leaves --`);
let shown = 0n;

async function listen(): Promise<void> {
  for await (const update of client.subscribe({ signal: leaving.signal })) {
    if (update.type === "snapshot") await catchUp();
    for (const { name, args } of update.type === "record" ? (update.events ?? []) : []) {
      if (name !== "Said" || (args["number"] as bigint) <= shown) continue;
      shown = args["number"] as bigint;
      show(args["author"] as string, args["timeMs"] as bigint, args["text"] as string);
    }
  }
}

/** What was said before, as far as the state has it. */
async function catchUp(): Promise<void> {
  const [{ value: lines }, { value: first }] = await Promise.all([
    client.read("lines", []),
    client.read("firstLine", []),
  ]);
  for (const [index, { author, timeMs, text }] of lines.entries()) {
    const number = first + BigInt(index);
    if (number <= shown) continue;
    shown = number;
    show(author, timeMs, text);
  }
}

const listening = listen();
try {
  await catchUp();
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue;
    try {
      await (await client.call("say", [line])).committed();
    } catch (error) {
      if (!isSprfError(error)) throw error;
      console.error(`not said: ${error.message}`);
    }
  }
} finally {
  leaving.abort();
  await listening.catch(() => undefined);
  await program.close();
}
