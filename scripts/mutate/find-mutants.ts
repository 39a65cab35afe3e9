import { type AstNode, children, isNode, type Span, spanOf, text } from "./ast.ts";
import { type Edit, editsOf } from "./edits.ts";

/** One change of one contract. */
export interface Mutant {
  /** `<Contract>:<line>:<column>:<operator>`, counted from 1. */
  readonly id: string;
  /** What stays when lines move; `nth` counts equal changes within one function from 1. */
  readonly key: MutantKey;
  /** The source as the compiler names it. */
  readonly sourceName: string;
  readonly line: number;
  readonly column: number;
  /** Bytes of the UTF-8 source that become `replacement`. */
  readonly span: Span;
  readonly replacement: string;
  /** The line of the source that the change begins in. */
  readonly lineText: string;
}

export interface MutantKey {
  readonly contract: string;
  readonly function: string;
  readonly operator: string;
  /** The text of the whole expression or statement, each run of white space as one blank. */
  readonly source: string;
  readonly nth: number;
}

/** What is left alone: the bounds there are argued in comments and not by tests, or it is no code. */
const SKIPPED = new Set([
  "UncheckedBlock",
  "InlineAssembly",
  "ArrayTypeName",
  "ImportDirective",
  "PragmaDirective",
  "EventDefinition",
  "ErrorDefinition",
  "StructDefinition",
  "EnumDefinition",
  "UsingForDirective",
  "StructuredDocumentation",
  "OverrideSpecifier",
  "InheritanceSpecifier",
]);

interface Scope {
  readonly contract: string;
  readonly functionName: string;
  readonly parent: AstNode | undefined;
}

interface Found extends Edit {
  readonly scope: Scope;
  readonly shown: Span;
}

/** Every mutant of a source, in its order. Throws when `ast` is not solc's. */
export function findMutants(sourceName: string, ast: unknown, content: string): Mutant[] {
  if (!isNode(ast)) throw new Error(`solc gave no AST of ${sourceName}`);
  const source = Buffer.from(content, "utf8");
  const fileName = sourceName.slice(sourceName.lastIndexOf("/") + 1).replace(/\.sol$/, "");
  const found = [...visit(ast, { contract: fileName, functionName: "", parent: undefined }, source)];
  const counts = new Map<string, number>();
  return found
    .toSorted((a, b) => a.span.start - b.span.start || a.operator.localeCompare(b.operator))
    .map((edit) => describe(edit, sourceName, source, counts));
}

/** The mutated source. */
export function applyMutant({ span, replacement }: Mutant, content: string): string {
  const source = Buffer.from(content, "utf8");
  return `${source.subarray(0, span.start).toString("utf8")}${replacement}${source.subarray(span.end).toString("utf8")}`;
}

/** The text of a key, for maps and for ordering. */
export function keyText({ contract, function: name, operator, source, nth }: MutantKey): string {
  return JSON.stringify([contract, name, operator, source, nth]);
}

function* visit(node: AstNode, scope: Scope, source: Buffer): Generator<Found> {
  if (SKIPPED.has(node.nodeType)) return;
  const inner = enter(node, scope);
  for (const edit of editsOf(node, scope, source)) yield { shown: spanOf(node), ...edit, scope: inner };
  for (const below of children(node)) yield* visit(below, { ...inner, parent: node }, source);
}

function enter(node: AstNode, scope: Scope): Scope {
  switch (node.nodeType) {
    case "ContractDefinition":
      return { ...scope, contract: text(node, "name") };
    case "FunctionDefinition":
      return { ...scope, functionName: text(node, "name") || text(node, "kind") };
    case "ModifierDefinition":
      return { ...scope, functionName: text(node, "name") };
    case "VariableDeclaration":
      return node["stateVariable"] === true || scope.functionName === ""
        ? { ...scope, functionName: text(node, "name") }
        : scope;
    default:
      return scope;
  }
}

function describe(edit: Found, sourceName: string, source: Buffer, counts: Map<string, number>): Mutant {
  const before = source.subarray(0, edit.span.start).toString("utf8");
  const line = before.split("\n").length;
  const column = before.length - before.lastIndexOf("\n");
  const { contract, functionName } = edit.scope;
  const shown = source.subarray(edit.shown.start, edit.shown.end).toString("utf8").replaceAll(/\s+/g, " ");
  const unnumbered = { contract, function: functionName, operator: edit.operator, source: shown };
  const nth = (counts.get(JSON.stringify(unnumbered)) ?? 0) + 1;
  counts.set(JSON.stringify(unnumbered), nth);
  return {
    id: `${contract}:${line}:${column}:${edit.operator}`,
    key: { ...unnumbered, nth },
    sourceName,
    line,
    column,
    span: edit.span,
    replacement: edit.replacement,
    lineText: source.toString("utf8").split("\n")[line - 1]?.trim() ?? "",
  };
}
