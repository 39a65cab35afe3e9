import { createSprf } from "./create-sprf.ts";

const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const called = words[0] === "help" || words[0] === "complete" ? words[1] : words[0];
const sprf = await createSprf((name) => name === called);
await sprf.parseAsync();
