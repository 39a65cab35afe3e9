/** A node of solc's compact JSON AST. Which further fields it has follows from its `nodeType`. */
export interface AstNode {
  readonly nodeType: string;
  /** `start:length:file` in bytes of the UTF-8 source. */
  readonly src: string;
  readonly [field: string]: unknown;
}

/** A span of a source in bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export function isNode(value: unknown): value is AstNode {
  return (
    typeof value === "object" &&
    value !== null &&
    "nodeType" in value &&
    typeof value.nodeType === "string" &&
    "src" in value &&
    typeof value.src === "string"
  );
}

/** The node in a field that the AST's definition promises. Throws when it is not there: the AST is not of the kind expected. */
export function child(node: AstNode, field: string): AstNode {
  const value = node[field];
  if (!isNode(value)) throw new Error(`solc's ${node.nodeType} at ${node.src} has no node in "${field}"`);
  return value;
}

/** The node in a field that may be empty. */
export function optionalChild(node: AstNode, field: string): AstNode | undefined {
  const value = node[field];
  return isNode(value) ? value : undefined;
}

/** A text field; empty when the node has none. */
export function text(node: AstNode, field: string): string {
  const value = node[field];
  return typeof value === "string" ? value : "";
}

/** The nodes right below a node, in the order of the source. */
export function children(node: AstNode): AstNode[] {
  return Object.values(node)
    .flatMap((value): unknown[] => (Array.isArray(value) ? value : [value]))
    .filter(isNode)
    .sort((a, b) => spanOf(a).start - spanOf(b).start);
}

export function spanOf(node: AstNode): Span {
  const [start = Number.NaN, length = Number.NaN] = node.src.split(":").map(Number);
  return { start, end: start + length };
}
