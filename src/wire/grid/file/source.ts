import {
  CST,
  Lexer,
  LineCounter,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Document,
  type Node,
} from "yaml";

import { messageOf } from "../../../errors.ts";
import type { FilePath } from "./convert.ts";

/** The largest workload file: twice the largest workload. */
export const MAX_WORKLOAD_FILE_BYTES = 512 * 1024;
/** What aliases may add: a file of a few lines could otherwise be gigabytes. */
const MAX_ALIASES = 100;

/** How deep lists and maps may be in each other in one line: the parser calls itself for each, and runs out of stack. */
const MAX_DEPTH = 64;

/** Something wrong in a file, and where. */
export interface FileProblem {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly message: string;
}

/** A file that is YAML: its value, and where each part of it stands. */
export interface YamlSource {
  readonly value: unknown;
  problemAt(path: FilePath, message: string): FileProblem;
}

/** The YAML in `text`; problems when it is none. Numbers are the text that was written: no digit is lost. */
export function readYaml(text: string): YamlSource | readonly FileProblem[] {
  if (Buffer.byteLength(text) > MAX_WORKLOAD_FILE_BYTES) {
    return [{ line: 1, column: 1, message: `the file is larger than ${MAX_WORKLOAD_FILE_BYTES} bytes` }];
  }
  const lines = new LineCounter();
  try {
    const deepLine = findDeepLine(text);
    if (deepLine !== undefined)
      return [{ line: deepLine, column: 1, message: `more than ${MAX_DEPTH} lists or maps deep` }];
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, logLevel: "error" });
    const faults = [...document.errors, ...document.warnings];
    if (faults.length > 0) return faults.map(({ pos, message }) => ({ ...placeOf(lines, pos[0]), message }));
    visit(document, {
      Scalar(key, node) {
        if (key !== "key" && typeof node.value === "number" && node.source !== undefined) node.value = node.source;
      },
    });
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return {
      value,
      problemAt: (path, message) => ({ ...placeOf(lines, offsetOf(document, path)), message }),
    };
  } catch (error) {
    // Aliases without end, above all.
    return [{ line: 1, column: 1, message: `the file cannot be read: ${messageOf(error)}` }];
  }
}

/** The line at which lists and maps are too deep in each other; undefined when that is nowhere. */
function findDeepLine(text: string): number | undefined {
  let [line, flowDepth, inLine] = [1, 0, 0];
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token);
    const newLines = token.split("\n").length - 1;
    if (newLines > 0) [line, inLine] = [line + newLines, 0];
    if (type === "flow-seq-start" || type === "flow-map-start") flowDepth++;
    else if (type === "flow-seq-end" || type === "flow-map-end") flowDepth--;
    else if (type === "seq-item-ind" || type === "explicit-key-ind") inLine++;
    if (flowDepth > MAX_DEPTH || inLine > MAX_DEPTH) return line;
  }
  return undefined;
}

/** Where the deepest part of the path that the file has begins; keys count as the beginning of their value. */
function offsetOf(document: Document.Parsed, path: FilePath): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap<Node, Node>(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && `${String(key.value)}` === `${segment}`);
      if (pair === undefined) return offset;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq<Node>(node)) {
      node = node.items[Number(segment)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}

function placeOf(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
