import { startChannelChain, type ChannelChain } from "../helpers/channel-chain.ts";
import { runChannelMarathon } from "../helpers/channel-marathon.ts";

/** Of 3, 5 and 7 members; `SPRF_CHANNEL_CALLS` is for all of them. */
const CALLS = new Map([
  [3, 10_000],
  [5, 3_000],
  [7, 3_000],
]);

describe("e2e: channels of processes", function () {
  this.timeout(900_000);
  let chain: ChannelChain;
  before(async () => {
    chain = await startChannelChain();
  });
  after(async () => await chain?.close());

  const { SPRF_CHANNEL_CALLS: given } = process.env;
  for (const [members, usual] of CALLS) {
    const calls = given === undefined ? usual : Number(given);
    it(`should lose nothing that ${members} members committed in ${calls} calls, whoever is killed`, async () => {
      await runChannelMarathon(chain, { members, calls });
    });
  }
});
