import { startChannelChain, type ChannelChain } from "../helpers/channel-chain.ts";
import { runChannelMarathon } from "../helpers/channel-marathon.ts";

const { SPRF_CHANNEL_CALLS: given } = process.env;
const CALLS = given === undefined ? 10_000 : Number(given);

describe("e2e: channels of processes", function () {
  this.timeout(900_000);
  let chain: ChannelChain;
  before(async () => {
    chain = await startChannelChain();
  });
  after(async () => await chain?.close());

  for (const members of [3, 5, 7]) {
    it(`should lose nothing that ${members} members committed in ${CALLS} calls, whoever is killed`, async () => {
      await runChannelMarathon(chain, { members, calls: CALLS });
    });
  }
});
