// Rules of this repository that no ready-made lint rule can say. CONTRIBUTING.md lists them with their ids.

/** E1: errors of `src/` are SprfErrors, so that every one has a code, a fault and a next step. */
const throwSprfError = {
  meta: { type: "problem", schema: [] },
  create(context) {
    return {
      ThrowStatement({ argument }) {
        const callee = argument.type === "NewExpression" ? argument.callee : undefined;
        if (callee?.type !== "Identifier" || callee.name === "SprfError") return;
        context.report({ node: argument, message: "E1: throw a SprfError with a code from src/errors.ts." });
      },
    };
  },
};

/** P1: `new Date()` reads the machine's clock; the port `clock` can be ticked by tests. */
const noWallClock = {
  meta: { type: "problem", schema: [] },
  create(context) {
    return {
      NewExpression(node) {
        if (node.callee.type !== "Identifier" || node.callee.name !== "Date" || node.arguments.length > 0) return;
        context.report({ node, message: "P1: time comes through the port `clock`." });
      },
    };
  },
};

export default { meta: { name: "sprf" }, rules: { "throw-sprf-error": throwSprfError, "no-wall-clock": noWallClock } };
