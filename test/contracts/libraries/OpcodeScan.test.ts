import { expect } from "chai";
import { dataLength, keccak256 } from "ethers";
import fc from "fast-check";
import { artifacts, network } from "hardhat";

import type { ChannelLibraries } from "../../../typechain-types/index.ts";
import { type CompilerSettings, compileProgram } from "../../helpers/compile-program.ts";

const { ethers, networkHelpers } = await network.create();
const libraries = await ethers.deployContract("ChannelLibraries");

const PROGRAM = ethers.getAddress(`0x${"aa".repeat(20)}`);
/** EIP-170. */
const MAX_CODE_BYTES = 24_576;
const FORBIDDEN: Record<string, string> = {
  ADDRESS: "30",
  BALANCE: "31",
  ORIGIN: "32",
  CALLER: "33",
  GASPRICE: "3a",
  EXTCODESIZE: "3b",
  EXTCODECOPY: "3c",
  EXTCODEHASH: "3f",
  BLOCKHASH: "40",
  COINBASE: "41",
  TIMESTAMP: "42",
  NUMBER: "43",
  PREVRANDAO: "44",
  GASLIMIT: "45",
  CHAINID: "46",
  SELFBALANCE: "47",
  BASEFEE: "48",
  BLOBHASH: "49",
  BLOBBASEFEE: "4a",
  GAS: "5a",
  CREATE: "f0",
  CALL: "f1",
  CALLCODE: "f2",
  DELEGATECALL: "f4",
  CREATE2: "f5",
  STATICCALL: "fa",
  SELFDESTRUCT: "ff",
};
const PUSHES = new Set(Array.from({ length: 32 }, (_, index) => 0x60 + index));

/** Where the scan says that code is refused; undefined when it is not. */
async function refusalOf(code: string): Promise<number | undefined> {
  const offset = Number(await libraries.firstForbidden(`0x${code}`));
  return offset === code.length / 2 ? undefined : offset;
}

describe("OpcodeScan", () => {
  it("should let through what the compiler makes of programs, with every setting of it", async function () {
    this.timeout(240_000);
    const settings: CompilerSettings[] = [false, true].flatMap((viaIR) =>
      [undefined, 1, 200, 10_000].map((runs) => ({ viaIR, runs })),
    );
    for (const setting of settings) {
      const code = compileProgram("contracts/mocks/channels/PrecompileProgram.sol", setting);
      expect(await refusalOf(code.slice(2)), JSON.stringify(setting)).to.equal(undefined);
    }
  });

  it("should let through every program of the project, and name its code", async () => {
    const names = [...(await artifacts.getAllFullyQualifiedNames())].filter((name) => name.endsWith("Program"));
    let scanned = 0;
    for (const name of names) {
      const { deployedBytecode } = await artifacts.readArtifact(name);
      if (deployedBytecode === "0x") continue;
      await networkHelpers.setCode(PROGRAM, deployedBytecode);
      expect(await libraries.check(PROGRAM), name).to.equal(keccak256(deployedBytecode));
      scanned++;
    }
    expect(scanned).to.be.at.least(7);
  });

  it("should scan the largest code there can be in one transaction", async function () {
    this.timeout(120_000);
    // Built here, because what measures coverage costs gas.
    const scan = compileProgram("contracts/mocks/channels/ChannelLibraries.sol", { viaIR: false, runs: 200 });
    await networkHelpers.setCode(PROGRAM, scan);
    // JUMPDESTs are reached one and all.
    const code = `0x${"5b".repeat(MAX_CODE_BYTES)}`;
    const scanner = libraries.attach(PROGRAM) as ChannelLibraries;
    expect(await scanner.firstForbidden(code, { gasLimit: 12_000_000n })).to.equal(BigInt(MAX_CODE_BYTES));
  });

  for (const [name, opcode] of Object.entries(FORBIDDEN)) {
    it(`should refuse ${name} wherever it is reached`, async () => {
      expect(await refusalOf(opcode)).to.equal(0);
      expect(await refusalOf(`6001${opcode}00`)).to.equal(2);
      // Behind a STOP, a JUMP, a RETURN, a REVERT and an INVALID, where a jump reaches it.
      for (const end of ["00", "56", "f3", "fd", "fe"]) {
        expect(await refusalOf(`${end}5b${opcode}`), end).to.equal(2);
      }
      // A JUMPI goes on.
      expect(await refusalOf(`6000600057${opcode}`)).to.equal(5);
    });

    it(`should let ${name} stand where nothing reaches it`, async () => {
      for (const end of ["00", "56", "f3", "fd", "fe"])
        expect(await refusalOf(`${end}${opcode}`), end).to.equal(undefined);
      // As data of a push, after which the code goes on.
      expect(await refusalOf(`60${opcode}00`)).to.equal(undefined);
      expect(await refusalOf(`7f${opcode.repeat(32)}00`)).to.equal(undefined);
      // A JUMPDEST in a push's data is no place to jump to, in dead code neither.
      expect(await refusalOf(`00615b${opcode}`)).to.equal(undefined);
    });
  }

  it("should refuse what no fork knows, and nothing that a program needs", async () => {
    const known = new Set<number>([
      ...range(0x00, 0x0b),
      ...range(0x10, 0x1e),
      0x20,
      ...range(0x34, 0x39),
      0x3d,
      0x3e,
      ...range(0x50, 0x59),
      ...range(0x5b, 0x9f),
      ...range(0xa0, 0xa4),
      0xf3,
      0xfd,
      0xfe,
    ]);
    for (let opcode = 0; opcode <= 0xff; opcode++) {
      const expected = known.has(opcode) ? undefined : 0;
      expect(await refusalOf(opcode.toString(16).padStart(2, "0")), `0x${opcode.toString(16)}`).to.equal(expected);
    }
  });

  it("should let through calls of precompiled contracts, and of nothing else", async () => {
    for (const precompile of ["01", "02", "03", "04", "05", "06", "07", "08", "09"]) {
      expect(await refusalOf(`60${precompile}5afa`), precompile).to.equal(undefined);
    }
    expect(await refusalOf("6101005afa")).to.equal(undefined);
    // No precompiled contract, or one that not every engine has.
    for (const address of ["00", "0a", "0b", "11", "ff"])
      expect(await refusalOf(`60${address}5afa`), address).to.equal(2);
    for (const address of ["0001", "0101", "0000", "0002"])
      expect(await refusalOf(`61${address}5afa`), address).to.equal(3);
    // An address that is computed.
    expect(await refusalOf("6002505afa")).to.equal(3);
    expect(await refusalOf("805afa")).to.equal(1);
    // Something between, behind a place to jump to for instance.
    expect(await refusalOf("60025b5afa")).to.equal(3);
    expect(await refusalOf("60025a5bfa")).to.equal(2);
    expect(await refusalOf("60025a90fa")).to.equal(2);
    // Another call with the same bytes before.
    for (const call of ["f1", "f2", "f4"]) expect(await refusalOf(`60025a${call}`), call).to.equal(2);
    // The pattern begins within a push's data: what runs is GAS, STATICCALL.
    expect(await refusalOf("6160025afa")).to.equal(3);
    // The code ends within the pattern.
    expect(await refusalOf("60025a")).to.equal(2);
    expect(await refusalOf("6101005a")).to.equal(3);
  });

  it("should scan behind the code, where metadata might stand", async () => {
    // STOP, then data with JUMPDEST, CALLER in it.
    expect(await refusalOf("600100a2645b33")).to.equal(undefined);
    expect(await refusalOf("600100a25b33")).to.equal(5);
    // A push at the end whose data is behind it.
    expect(await refusalOf("007f5b33")).to.equal(undefined);
    expect(await refusalOf("60")).to.equal(undefined);
  });

  it("should refuse exactly what running along every way would reach", async () => {
    // Bytes that are likely to make something of themselves.
    const bytes = fc.oneof(
      fc.constantFrom(0x5b, 0x60, 0x61, 0x5a, 0xfa, 0x00, 0x01, 0x02, 0x56, 0x57, 0xfe, 0x33, 0x7f),
      fc.nat({ max: 255 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 60 }), async (code) => {
        const hex = Buffer.from(code).toString("hex");
        expect(await refusalOf(hex), hex).to.equal(expectedRefusal(code));
      }),
      { numRuns: 300 },
    );
  });

  it("should refuse what is no code, or can become other code", async () => {
    const nobody = ethers.getAddress(`0x${"bb".repeat(20)}`);
    await expect(libraries.check(nobody))
      .to.be.revertedWithCustomError(libraries, "OpcodeScan_NoCode")
      .withArgs(nobody);
    const designator = `0xef0100${PROGRAM.slice(2)}`;
    for (const code of [designator, "0xef"]) {
      await networkHelpers.setCode(PROGRAM, code);
      await expect(libraries.check(PROGRAM), `${dataLength(code)}`)
        .to.be.revertedWithCustomError(libraries, "OpcodeScan_Designator")
        .withArgs(PROGRAM);
    }
    await networkHelpers.setCode(PROGRAM, "0x60013300");
    await expect(libraries.check(PROGRAM))
      .to.be.revertedWithCustomError(libraries, "OpcodeScan_Forbidden")
      .withArgs(PROGRAM, 2n, 0x33n);
  });

  it("should refuse contracts that are no programs", async () => {
    for (const name of ["Actor", "ScriptedFeed", "StoreHub"]) {
      const { deployedBytecode } = await artifacts.readArtifact(name);
      expect(await refusalOf(deployedBytecode.slice(2)), name).not.to.equal(undefined);
    }
  });
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** By another way than the contract's: first all instructions, then from each entrance on. */
function expectedRefusal(code: readonly number[]): number | undefined {
  const starts: number[] = [];
  for (let at = 0; at < code.length; at += lengthAt(code, at)) starts.push(at);
  const known = new Set(starts);
  const reached = new Set<number>();
  for (const entrance of starts.filter((at) => at === 0 || code[at] === 0x5b)) {
    let at = entrance;
    while (known.has(at) && !reached.has(at)) {
      reached.add(at);
      if ([0x00, 0x56, 0xf3, 0xfd, 0xfe].includes(code[at] ?? 0)) break;
      at += lengthAt(code, at);
    }
  }
  return starts.find((at) => reached.has(at) && isRefused(code, at));
}

function lengthAt(code: readonly number[], at: number): number {
  const opcode = code[at] ?? 0;
  return PUSHES.has(opcode) ? opcode - 0x5e : 1;
}

function isRefused(code: readonly number[], at: number): boolean {
  const opcode = code[at] ?? 0;
  const isAllowed =
    opcode <= 0x0b ||
    (opcode >= 0x10 && opcode <= 0x1e) ||
    (opcode >= 0x34 && opcode <= 0x39) ||
    (opcode >= 0x50 && opcode <= 0xa4) ||
    [0x20, 0x3d, 0x3e, 0xf3, 0xfd, 0xfe].includes(opcode);
  if (isAllowed && opcode !== 0x5a) return false;
  if (opcode !== 0x5a && opcode !== 0xfa) return true;
  const gasAt = opcode === 0x5a ? at : at - 1;
  if (code[gasAt] !== 0x5a || code[gasAt + 1] !== 0xfa) return true;
  // The instruction before, wherever it begins.
  const isShort = code[gasAt - 2] === 0x60 && (code[gasAt - 1] ?? 0) >= 1 && (code[gasAt - 1] ?? 0) <= 9;
  const isLong = code[gasAt - 3] === 0x61 && code[gasAt - 2] === 0x01 && code[gasAt - 1] === 0x00;
  const begins: number[] = [];
  for (let begin = 0; begin < gasAt; begin += lengthAt(code, begin)) begins.push(begin);
  return !((isShort && begins.includes(gasAt - 2)) || (isLong && begins.includes(gasAt - 3)));
}
