import { createRequire } from "node:module";

import { expect } from "chai";

import { applyMutant, findMutants, type Mutant } from "../../../scripts/mutate/find-mutants.ts";

const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
const NAME = "contracts/market/Sample.sol";

/** Something of everything, with characters of more than one byte and comments that hold operators. */
const SAMPLE = `// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Naïve – its bytes are not its characters
contract Sample {
    uint256 private constant LIMIT = 10;
    bool private _open = true;
    uint256[4] private _slots;
    mapping(uint256 => uint256) private _of;

    event Added(uint256 amount);
    error Sample_TooMuch();

    modifier whenOpen() {
        require(_open, "closed");
        _;
    }

    function add(uint256 a, uint256 b) external whenOpen returns (uint256 sum) {
        if (/* Ω */ a /* > or < */ > LIMIT || b == 0) revert Sample_TooMuch();
        sum = a + b; delete _of[b];
        for (uint256 i = 0; i < 3; i++) _slots[i] += (b & 1) << i;
        unchecked {
            sum = sum * 2;
        }
        assembly ("memory-safe") {
            sum := add(sum, 1)
        }
        emit Added(sum);
        return !_open ? sum : b;
    }
}
`;

/** Every mutant: where, in which function, what it makes of what. */
const EXPECTED = `
6:38:const-increment LIMIT: 10 -> (10 + 1)
6:38:const-zero LIMIT: 10 -> 0
7:26:bool-flip _open: true -> false
15:9:delete-call whenOpen: require(_open, "closed") -> {}
15:17:negate-condition whenOpen: _open -> !(_open)
19:49:drop-modifier add: whenOpen ->
20:21:negate-condition add: a /* > or < */ > LIMIT || b == 0 -> !(a /* > or < */ > LIMIT || b == 0)
20:36:gt-gte add: a /* > or < */ > LIMIT -> >=
20:36:gt-lte add: a /* > or < */ > LIMIT -> <=
20:44:or-and add: a /* > or < */ > LIMIT || b == 0 -> &&
20:49:eq-neq add: b == 0 -> !=
20:52:const-increment add: 0 -> (0 + 1)
20:55:delete-revert add: revert Sample_TooMuch() -> {}
21:9:delete-assignment add: sum = a + b -> {}
21:17:add-sub add: a + b -> -
21:22:delete-delete add: delete _of[b] -> {}
22:26:const-increment add: 0 -> (0 + 1)
22:31:lt-gte add: i < 3 -> >=
22:31:lt-lte add: i < 3 -> <=
22:33:const-increment add: 3 -> (3 + 1)
22:33:const-zero add: 3 -> 0
22:36:inc-dec add: i++ -> i--
22:41:delete-assignment add: _slots[i] += (b & 1) << i -> {}
22:51:addassign-subassign add: _slots[i] += (b & 1) << i -> -=
22:57:bitand-bitor add: b & 1 -> |
22:59:const-increment add: 1 -> (1 + 1)
22:59:const-zero add: 1 -> 0
22:62:shl-shr add: (b & 1) << i -> >>
29:9:delete-emit add: emit Added(sum) -> {}
30:9:delete-return add: return !_open ? sum : b -> {}
30:16:drop-not add: !_open -> _open
30:25:swap-branches add: !_open ? sum : b -> b : sum
`;

describe("scripts/mutate/find-mutants", () => {
  it("changes each operator, constant, condition, statement and guard, and nothing else", () => {
    const found = mutantsOf(SAMPLE).map(
      ({ id, key, replacement }) => `${id.slice("Sample:".length)} ${key.function}: ${key.source} -> ${replacement}`,
    );
    expect(found.map((line) => line.trim())).to.deep.equal(EXPECTED.trim().split("\n"));
  });

  it("makes sources that compile", () => {
    for (const mutant of mutantsOf(SAMPLE)) {
      expect(errorsOf(applyMutant(mutant, SAMPLE)), mutant.id).to.deep.equal([]);
    }
  });

  it("changes the bytes that it says, whatever stands before them", () => {
    const mutant = mutantsOf(SAMPLE).find(({ id }) => id === "Sample:20:36:gt-lte")!;
    expect(applyMutant(mutant, SAMPLE)).to.equal(SAMPLE.replace("> LIMIT", "<= LIMIT"));
  });

  it("knows a mutant again when lines move, and tells equal ones apart by their number", () => {
    const twice = SAMPLE.replace("sum = a + b;", "sum = a + b; sum = a + b;");
    const moved = twice.replace("contract Sample", "\n\ncontract Sample");
    expect(mutantsOf(moved).map(({ key }) => key)).to.deep.equal(mutantsOf(twice).map(({ key }) => key));
    const sums = mutantsOf(twice).filter(({ key }) => key.operator === "add-sub");
    expect(sums.map(({ key }) => key.nth)).to.deep.equal([1, 2]);
  });

  it("gives every mutant an id of its own", () => {
    const ids = mutantsOf(SAMPLE).map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
  });
});

function mutantsOf(source: string): Mutant[] {
  return findMutants(NAME, compile(source).sources?.[NAME]?.ast, source);
}

function errorsOf(source: string): string[] {
  const errors = compile(source).errors ?? [];
  return errors.filter(({ severity }) => severity === "error").map(({ formattedMessage }) => formattedMessage);
}

function compile(source: string): {
  errors?: { severity: string; formattedMessage: string }[];
  sources?: Record<string, { ast: unknown }>;
} {
  const outputSelection = { "*": { "": ["ast"] } };
  const input = { language: "Solidity", sources: { [NAME]: { content: source } }, settings: { outputSelection } };
  return JSON.parse(solc.compile(JSON.stringify(input))) as ReturnType<typeof compile>;
}
