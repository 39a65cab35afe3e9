import { type AstNode, child, optionalChild, type Span, spanOf, text } from "./ast.ts";

/** One change of a source: the bytes of `span` become `replacement`. */
export interface Edit {
  readonly operator: string;
  readonly span: Span;
  readonly replacement: string;
  /** What a reader is shown as changed, when that is less than the whole node. */
  readonly shown?: Span;
}

/** Where an expression stands, for what may be done to it depends on that. */
export interface Place {
  readonly parent: AstNode | undefined;
}

/** Each operator's replacements: the neighbour that is most easily mistaken for it, and for comparisons also the negation. */
const BINARY: Readonly<Record<string, readonly (readonly [name: string, operator: string])[]>> = {
  "+": [["add-sub", "-"]],
  "-": [["sub-add", "+"]],
  "*": [["mul-div", "/"]],
  "/": [["div-mul", "*"]],
  "%": [["mod-mul", "*"]],
  "**": [["exp-mul", "*"]],
  "<": [
    ["lt-lte", "<="],
    ["lt-gte", ">="],
  ],
  "<=": [
    ["lte-lt", "<"],
    ["lte-gt", ">"],
  ],
  ">": [
    ["gt-gte", ">="],
    ["gt-lte", "<="],
  ],
  ">=": [
    ["gte-gt", ">"],
    ["gte-lt", "<"],
  ],
  "==": [["eq-neq", "!="]],
  "!=": [["neq-eq", "=="]],
  "&&": [["and-or", "||"]],
  "||": [["or-and", "&&"]],
  "&": [["bitand-bitor", "|"]],
  "|": [["bitor-bitand", "&"]],
  "^": [["xor-bitand", "&"]],
  "<<": [["shl-shr", ">>"]],
  ">>": [["shr-shl", "<<"]],
};
const ASSIGNMENT: Readonly<Record<string, readonly [name: string, operator: string]>> = {
  "+=": ["addassign-subassign", "-="],
  "-=": ["subassign-addassign", "+="],
  "*=": ["mulassign-divassign", "/="],
  "/=": ["divassign-mulassign", "*="],
  "%=": ["modassign-mulassign", "*="],
  "|=": ["orassign-andassign", "&="],
  "&=": ["andassign-orassign", "|="],
  "^=": ["xorassign-orassign", "|="],
  "<<=": ["shlassign-shrassign", ">>="],
  ">>=": ["shrassign-shlassign", "<<="],
};
/** Negating these is already what their own mutants do. */
const COMPARISONS: ReadonlySet<string> = new Set(["<", "<=", ">", ">=", "==", "!="]);
const STATEMENTS: Readonly<Record<string, string>> = {
  EmitStatement: "delete-emit",
  RevertStatement: "delete-revert",
  Return: "delete-return",
  Break: "delete-break",
  Continue: "delete-continue",
};

/** Every edit that belongs to this very node. `source` is the UTF-8 text that the node's offsets count in. */
export function editsOf(node: AstNode, { parent }: Place, source: Buffer): Edit[] {
  return [...expressionEdits(node, source), ...conditionEdits(node, source), ...statementEdits(node, parent, source)];
}

function expressionEdits(node: AstNode, source: Buffer): Edit[] {
  switch (node.nodeType) {
    case "BinaryOperation": {
      const operator = text(node, "operator");
      const span = operatorSpan(child(node, "leftExpression"), child(node, "rightExpression"), operator, source);
      return (BINARY[operator] ?? []).map(([name, other]) => ({ operator: name, span, replacement: other }));
    }
    case "Assignment": {
      const operator = text(node, "operator");
      const other = ASSIGNMENT[operator];
      if (other === undefined) return [];
      const span = operatorSpan(child(node, "leftHandSide"), child(node, "rightHandSide"), operator, source);
      return [{ operator: other[0], span, replacement: other[1] }];
    }
    case "UnaryOperation":
      return unaryEdits(node, source);
    case "Literal":
      return literalEdits(node, source);
    case "Conditional":
      return [swapBranches(node, source)];
    case "ModifierInvocation":
      // A base constructor's arguments are written the same way, but are not a guard.
      if (text(node, "kind") !== "modifierInvocation") return [];
      return [{ operator: "drop-modifier", span: spanOf(node), replacement: "" }];
    default:
      return [];
  }
}

function unaryEdits(node: AstNode, source: Buffer): Edit[] {
  const operator = text(node, "operator");
  const operand = spanOf(child(node, "subExpression"));
  const whole = spanOf(node);
  const inner = slice(source, operand);
  switch (operator) {
    case "++":
    case "--": {
      const [name, other] = operator === "++" ? ["inc-dec", "--"] : ["dec-inc", "++"];
      const replacement = node["prefix"] === true ? `${other}${inner}` : `${inner}${other}`;
      return [{ operator: name, span: whole, replacement }];
    }
    case "!":
      return [{ operator: "drop-not", span: whole, replacement: inner }];
    case "-":
      return [{ operator: "drop-minus", span: whole, replacement: inner }];
    case "~":
      return [{ operator: "drop-bitnot", span: whole, replacement: inner }];
    default:
      return [];
  }
}

function literalEdits(node: AstNode, source: Buffer): Edit[] {
  const span = spanOf(node);
  const written = slice(source, span);
  if (text(node, "kind") === "bool") {
    return [{ operator: "bool-flip", span, replacement: written === "true" ? "false" : "true" }];
  }
  if (text(node, "kind") !== "number") return [];
  const increment = { operator: "const-increment", span, replacement: `(${written} + 1)` };
  const isZero = /^0(x0*)?$/.test(text(node, "value"));
  return isZero ? [increment] : [increment, { operator: "const-zero", span, replacement: "0" }];
}

function swapBranches(node: AstNode, source: Buffer): Edit {
  const yes = spanOf(child(node, "trueExpression"));
  const no = spanOf(child(node, "falseExpression"));
  const between = slice(source, { start: yes.end, end: no.start });
  return {
    operator: "swap-branches",
    span: { start: yes.start, end: no.end },
    replacement: `${slice(source, no)}${between}${slice(source, yes)}`,
  };
}

function conditionEdits(node: AstNode, source: Buffer): Edit[] {
  const condition = conditionOf(node);
  if (condition === undefined) return [];
  const isComparison = condition.nodeType === "BinaryOperation" && COMPARISONS.has(text(condition, "operator"));
  const isNegation = condition.nodeType === "UnaryOperation" && text(condition, "operator") === "!";
  if (isComparison || isNegation || condition.nodeType === "Literal") return [];
  const span = spanOf(condition);
  return [{ operator: "negate-condition", span, shown: span, replacement: `!(${slice(source, span)})` }];
}

function conditionOf(node: AstNode): AstNode | undefined {
  switch (node.nodeType) {
    case "IfStatement":
    case "WhileStatement":
    case "DoWhileStatement":
    case "ForStatement":
      return optionalChild(node, "condition");
    case "FunctionCall": {
      if (!["require", "assert"].includes(text(child(node, "expression"), "name"))) return undefined;
      const [first] = node["arguments"] as readonly AstNode[];
      return first;
    }
    default:
      return undefined;
  }
}

function statementEdits(node: AstNode, parent: AstNode | undefined, source: Buffer): Edit[] {
  const operator = node.nodeType === "ExpressionStatement" ? expressionStatement(node) : STATEMENTS[node.nodeType];
  if (operator === undefined) return [];
  // The step of a loop is a statement to solc, but a block cannot stand there, and without it the loop only runs out of gas.
  if (parent?.nodeType === "ForStatement" && parent["body"] !== node) return [];
  const { start, end } = spanOf(node);
  // solc leaves the semicolon out of some statements.
  const semicolon = /^\s*;/.exec(source.subarray(end).toString("utf8", 0, 64))?.[0].length ?? 0;
  return [{ operator, span: { start, end: end + semicolon }, replacement: "{}" }];
}

function expressionStatement(node: AstNode): string {
  const expression = child(node, "expression");
  switch (expression.nodeType) {
    case "Assignment":
      return "delete-assignment";
    case "UnaryOperation":
      return text(expression, "operator") === "delete" ? "delete-delete" : "delete-step";
    default:
      return "delete-call";
  }
}

/** Where the operator stands between its operands, past comments that may hold the same characters. */
function operatorSpan(left: AstNode, right: AstNode, operator: string, source: Buffer): Span {
  const from = spanOf(left).end;
  const between = source.subarray(from, spanOf(right).start).toString("latin1");
  const blanked = between.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (comment) => " ".repeat(comment.length));
  const at = blanked.indexOf(operator);
  if (at === -1) throw new Error(`no "${operator}" between the operands at ${left.src}`);
  return { start: from + at, end: from + at + operator.length };
}

function slice(source: Buffer, { start, end }: Span): string {
  return source.subarray(start, end).toString("utf8");
}
