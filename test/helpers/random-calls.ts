import type { FunctionFragment, Interface, ParamType } from "ethers";
import { SigningKey, concat, keccak256, toBeHex, zeroPadValue } from "ethers";

import { fromHex } from "../../src/utils/bytes.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A call of a program as a seed decides it. */
export interface RandomCall {
  readonly name: string;
  readonly sender: string;
  readonly data: Uint8Array;
  readonly gasLimit: bigint;
}

const USUAL_GAS = 200_000;
/** Enough for none, some or all of what a short call does. */
const SCANT_GAS = [200, 1_500, 3_000, 8_000, 25_000, 60_000];
const LENGTHS = [0, 1, 4, 20, 31, 32, 33, 63, 64, 65, 100];
const GARBAGE = 24;
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** A program cannot see the slot of a nonce on a chain, where nobody writes it. */
const NOT_CALLED = "nonceOf";

/** Makes calls of all functions of a program: mostly sensible, some with scant gas, a cut calldata or none. */
export function randomCalls(abi: Interface, random: SeededRandom): () => RandomCall {
  const functions = abi.fragments.filter(
    (fragment): fragment is FunctionFragment =>
      fragment.type === "function" && (fragment as FunctionFragment).name !== NOT_CALLED,
  );
  return () => {
    const fragment = random.pick(functions);
    const args = knownArguments(fragment.name, random) ?? fragment.inputs.map((type) => randomValue(type, random));
    let data = fromHex(abi.encodeFunctionData(fragment, args));
    if (random.below(GARBAGE) === 0) data = data.subarray(0, random.below(data.length + 1));
    return {
      name: fragment.name,
      sender: `0x${(0xaa00 + random.below(8)).toString(16).padStart(40, "0")}`,
      data,
      gasLimit: BigInt(random.below(5) === 0 ? random.pick(SCANT_GAS) + random.below(4_000) : USUAL_GAS),
    };
  };
}

function randomValue(type: ParamType, random: SeededRandom): unknown {
  const { arrayChildren, baseType } = type;
  if (arrayChildren !== null) return Array.from({ length: random.below(7) }, () => randomValue(arrayChildren, random));
  if (type.components !== null) return type.components.map((part) => randomValue(part, random));
  const [, kind = "", size = ""] = /^([a-z]+)(\d*)$/.exec(baseType) ?? [];
  switch (kind) {
    case "uint":
      return randomUint(Number(size), random);
    case "int":
      return BigInt.asIntN(Number(size), randomUint(Number(size), random));
    case "bool":
      return random.below(2) === 1;
    case "address":
      return toBeHex(0xaa00 + random.below(8), 20);
    case "bytes":
      return `0x${randomHex(size === "" ? random.pick(LENGTHS) + random.below(2) * random.below(300) : Number(size), random)}`;
    case "string":
      return "sprf ".repeat(random.below(20)).slice(random.below(5));
    default:
      throw new Error(`no random values of ${baseType}`);
  }
}

function randomUint(bits: number, random: SeededRandom): bigint {
  const max = 2n ** BigInt(bits) - 1n;
  switch (random.below(6)) {
    case 0:
      return BigInt(random.below(3));
    case 1:
      return max - BigInt(random.below(2));
    case 2:
      return BigInt(`0x${randomHex(bits / 8, random)}`);
    default:
      return BigInt(random.below(200)) & max;
  }
}

function randomHex(bytes: number, random: SeededRandom): string {
  return Array.from({ length: bytes }, () => random.below(256).toString(16).padStart(2, "0")).join("");
}

/** What no random bytes would ever be: signatures and points of curves. Every other time, so that others are met too. */
function knownArguments(name: string, random: SeededRandom): readonly unknown[] | undefined {
  if (random.below(3) === 0) return undefined;
  switch (name) {
    case "recover": {
      const hash = `0x${randomHex(32, random)}`;
      const { v, r, s } = new SigningKey(keccak256(`0x${randomHex(32, random)}`)).sign(hash);
      // The other signature of the pair, which the precompile takes and transactions do not.
      const isHigh = random.below(3) === 0;
      const [ownV, ownS] = isHigh ? [55 - v, toBeHex(CURVE_ORDER - BigInt(s), 32)] : [v, s];
      // The program makes 27 of 0, 28 of 2.
      return [hash, ownV === 27 ? 0 : 2, r, ownS];
    }
    case "p256":
      return P256_EXAMPLE;
    case "pairing":
      return [random.below(2) === 0 ? concat([G1, G2, MINUS_G1, G2]) : concat([G1, G2, G1, G2])];
    case "badCurve":
      return [concat([G1, random.below(2) === 0 ? MINUS_G1 : G1]), true];
    default:
      return undefined;
  }
}

const word = (value: bigint): string => zeroPadValue(toBeHex(value), 32);
const FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
const G1 = concat([word(1n), word(2n)]);
const MINUS_G1 = concat([word(1n), word(FIELD - 2n)]);
const G2 = concat(
  [
    11559732032986387107991004021392285783925812861821192530917403151452391805634n,
    10857046999023057135944570762232829481370756359578518086990519993285655852781n,
    4082367875863433681332203403145435568316851327593401208105741076214120093531n,
    8495653923123431417604973247489272438418190587263600148770280649306958101930n,
  ].map(word),
);

/** A digest, its signature and its key on P-256; Node's own signatures differ each time. */
const P256_EXAMPLE = [
  "0x902d0ab6c7359a6c75f512de4b6c89494540d4b53de087c1ad9883f90b747648",
  "0xe1951ee80b427444b94ab555bf102872f1ff89b711bb98e4fb1b7b0eb2a772ad",
  "0xb1a20968f27dba38f19b4520cb89aa615f3655abbffa4052903f667cbf67a7e5",
  "0x873552843a2168930f24a325b7a64ff935dd01691f859e12c93aacc221947581",
  "0x8cd449ab41a62f1142b2664f41498ae130290ea3568411f7381b2d395516fa56",
];
