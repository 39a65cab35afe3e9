import { expect } from "chai";

import { argumentsOf } from "../../../src/cli/channel-arguments.ts";
import { codeThrown } from "../../helpers/code-of.ts";

const input = (type: string) => ({ name: "x", type });
const functionOf = (name: string, ...types: readonly string[]) =>
  ({ type: "function", name, stateMutability: "view", inputs: types.map(input), outputs: [] }) as const;
const ABI = [
  functionOf("text", "string"),
  functionOf("number", "uint64"),
  functionOf("signed", "int256"),
  functionOf("list", "uint64[]"),
  functionOf("flag", "bool"),
  functionOf("two", "address", "bytes32"),
  functionOf("none"),
];

describe("cli/channel-arguments", () => {
  it("should read what somebody types by the function's types", () => {
    expect(argumentsOf(ABI, "text", ["12"])).to.deep.equal(["12"]);
    expect(argumentsOf(ABI, "number", ["12"])).to.deep.equal([12n]);
    expect(argumentsOf(ABI, "number", ["0x10"])).to.deep.equal([16n]);
    expect(argumentsOf(ABI, "signed", ["-3"])).to.deep.equal([-3n]);
    expect(argumentsOf(ABI, "list", ["[1,2]"])).to.deep.equal([[1, 2]]);
    expect(argumentsOf(ABI, "flag", ["false"])).to.deep.equal([false]);
    expect(argumentsOf(ABI, "two", ["0xab", "0xcd"])).to.deep.equal(["0xab", "0xcd"]);
    expect(argumentsOf(ABI, "none", [])).to.deep.equal([]);
  });

  it("should refuse what no such function takes", () => {
    for (const [name, given] of [
      ["absent", []],
      ["none", ["1"]],
      ["two", ["0xab"]],
      ["number", ["1.5"]],
      ["number", ["ten"]],
      ["list", ["1,2"]],
      ["flag", ["yes"]],
    ] as const) {
      expect(
        codeThrown(() => argumentsOf(ABI, name, given)),
        `${name} ${given.join()}`,
      ).to.equal("INVALID_INPUT");
    }
  });
});
