/** Of any contract. */
export const SOME_ADDRESS = `0x${"ab".repeat(20)}`;

/** The least that a daemon has to be told, by variables of the environment. */
export const ENOUGH_SETTINGS = {
  SPRF_CHAIN_URL: "http://127.0.0.1:8545",
  SPRF_TWINS_ADDRESS: SOME_ADDRESS,
  SPRF_DISPATCHER_ADDRESS: SOME_ADDRESS,
  SPRF_TESTERS_ADDRESS: SOME_ADDRESS,
  SPRF_DISPUTES_ADDRESS: SOME_ADDRESS,
  SPRF_RECORDS_ADDRESS: SOME_ADDRESS,
  SPRF_LEDGER_URL: "http://127.0.0.1:8000",
  SPRF_LEDGER_PASSPHRASE: "Standalone Network",
  SPRF_WAKU_PEERS: "/ip4/127.0.0.1/tcp/1/p2p/a,/ip4/127.0.0.1/tcp/2/p2p/b",
};
