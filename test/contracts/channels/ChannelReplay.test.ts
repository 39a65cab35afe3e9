import { expect } from "chai";
import { network } from "hardhat";
import { deployHub } from "../helpers/channels.ts";
import { createReplayScene, isFalse, openCase } from "../helpers/replay.ts";
import { encodeCallInput, callDigest, type Call } from "../../../src/wire/channel/call.ts";
import { signDigest } from "../../../src/utils/recoverable-signature.ts";
import { fromHex } from "../../../src/utils/bytes.ts";
import { userOf } from "../helpers/court.ts";
import { RECORD_KINDS } from "../../../src/wire/channel/record.ts";

const { ethers } = await network.create();

describe("ChannelReplay", () => {
  it("calibrates", async () => {
    const scene = await createReplayScene(await deployHub(ethers, 1), "CounterProgram");
    const user = userOf(1);
    for (let nonce = 0n; nonce < 3n; nonce += 1n) {
      const call: Call = { channel: scene.channel, sender: user.address, nonce, gasLimit: 100_000n, validUntilMs: 2n ** 60n, data: fromHex(scene.abi.encodeFunctionData(scene.abi.fragments.find((f) => f.type === "function" && (f as any).name === "increment" || (f as any).name === "add")! as any, [1n].slice(0, (scene.abi.fragments.find((f) => (f as any).name === "increment" || (f as any).name === "add") as any).inputs.length))) };
      const one = await scene.play(RECORD_KINDS.call, encodeCallInput({ call, signature: signDigest(callDigest(scene.domain, call), user.key) }));
      const opened = await openCase(scene, one);
      console.log(one.header.gasUsed, one.header.status);
      for (let d = 0; d < 400; d++) {
        const ok = await isFalse(scene, one, opened, { gasUsed: one.header.gasUsed + d }).catch((e) => { if (d === 0) console.log(e.message); return true; });
        if (!ok) { console.log("delta", d); break; }
      }
      console.log(await scene.replay.requireRulesGas.staticCall(await scene.replay.scratchOf(one.rootBefore, one.header.touchedHash, ethers.keccak256("0x"), opened)).catch((e) => e.message));
    }
  });
});
