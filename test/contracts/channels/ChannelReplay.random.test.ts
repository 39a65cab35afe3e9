import { expect } from "chai";
import { network } from "hardhat";

import { toHex } from "../../../src/utils/bytes.ts";
import { RECORD_KINDS } from "../../../src/wire/channel/record.ts";
import { replayCalls } from "../../helpers/channel-settings.ts";
import { randomCalls } from "../../helpers/random-calls.ts";
import { PROGRAMS } from "../../helpers/sandbox-differential.ts";
import { seededRandom } from "../../helpers/seeded-random.ts";
import { deployHub } from "../helpers/channels.ts";
import { userOf } from "../helpers/court.ts";
import { callInput, createReplayScene, isFalse, judge, lies, openCase, withTouched } from "../helpers/replay.ts";

const { ethers } = await network.create();
const { calls, seed } = replayCalls();
/** Each call is loaded, run a dozen times, and loaded again; on a loaded machine that takes ten times as long. */
const TIMEOUT_MS = 600_000;
const USERS = 4;
/** The other one calls precompiled contracts as the compiler does, which the hub refuses. */
const REGISTERED: ReadonlyMap<string, string> = new Map([["PrecompilesMock", "PrecompileProgram"]]);

describe("ChannelReplay, of random calls", () => {
  const seen = { succeeded: 0, reverted: 0, ranOut: 0 };

  for (const [index, each] of PROGRAMS.entries()) {
    const name = REGISTERED.get(each) ?? each;
    it(`finds records of ${name} right as they were played, and false with any other result`, async () => {
      const scene = await createReplayScene(await deployHub(ethers, 0), name);
      const random = seededRandom(seed * PROGRAMS.length + index);
      const next = randomCalls(scene.abi, random);
      for (let count = 0; count < Math.ceil(calls / PROGRAMS.length); count += 1) {
        const { data, gasLimit, name: called } = next();
        const user = userOf(random.below(USERS) + 1);
        const what = `seed ${seed}, call ${count}: ${called} 0x${toHex(data)}`;
        const one = await scene.play(RECORD_KINDS.call, callInput(scene, user, { data, gasLimit }));
        const openedIn = await openCase(scene, one);
        expect(await isFalse(scene, one, openedIn), what).to.equal(false);
        for (const lie of lies(one)) {
          expect(await isFalse(scene, one, openedIn, lie), `${what}: ${Object.keys(lie).join()}`).to.equal(true);
        }
        const { status, gasUsed } = one.header;
        if (status === 1) seen.succeeded += 1;
        else if (BigInt(gasUsed) === gasLimit) seen.ranOut += 1;
        else seen.reverted += 1;
        // What a failed call touched cannot be seen.
        if (status !== 1) continue;
        const index = random.below(one.touched.length);
        const [left] = one.before.slice(index);
        const without = withTouched(one, one.touched.toSpliced(index, 1));
        expect(await judge(scene, { ...without, besides: [left!] }), `${what}: a slot left out`).to.equal(true);
      }
    }).timeout(TIMEOUT_MS);
  }

  it("has met calls that succeed, revert and run out of gas", () => {
    expect(seen.succeeded).to.be.at.least(calls / 3);
    expect(seen.reverted).to.be.at.least(calls / 30);
    expect(seen.ranOut).to.be.at.least(calls / 60);
  });
});
