import { startChannelChain, type ChannelChain } from "../helpers/channel-chain.ts";
import { runChannelMarathon } from "../helpers/channel-marathon.ts";

/** What twelve processes have to do for a call is much more than what a call is. */
const CALLS = 500;
const MEMBERS = 12;

describe("e2e: channels of processes that relay", function () {
  this.timeout(900_000);
  let chain: ChannelChain;
  before(async () => {
    chain = await startChannelChain();
  });
  after(async () => await chain?.close());

  it(`should lose nothing that ${MEMBERS} members committed in ${CALLS} calls by relays, whoever is killed`, async () => {
    await runChannelMarathon(chain, { members: MEMBERS, calls: CALLS });
  });
});
