// `node --import` this file, with SPRF_CHANNEL_FAULT naming one of NODE_FAULTS, and the nodes have that fault: their source is read with
// the fault in it.
import { registerHooks } from "node:module";

import { NODE_FAULTS, type NodeFaultName } from "./faults.ts";

const name = process.env["SPRF_CHANNEL_FAULT"] as NodeFaultName | undefined;
if (name === undefined) throw new Error("SPRF_CHANNEL_FAULT names no fault");
const { file, text, instead } = NODE_FAULTS[name];
const url = new URL(`../../../src/${file}`, import.meta.url).href;

registerHooks({
  load(asked, context, nextLoad) {
    const loaded = nextLoad(asked, context);
    if (asked !== url) return loaded;
    const { source: read } = loaded;
    const source = typeof read === "string" ? read : Buffer.from(read as Uint8Array).toString();
    if (source.split(text).length !== 2) throw new Error(`${file} does not have once what is to be altered: ${name}`);
    return { ...loaded, source: source.replace(text, () => instead) };
  },
});
