import { marketSuite } from "../helpers/market-suite.ts";

// 5 workers, one of them a liar, 5 testers, 3 clients; every daemon a process of its own.
marketSuite("a market under kill -9", {
  honestWorkers: 4,
  testers: 5,
  clients: 3,
  agreements: 20,
  executions: 200,
  epochs: { min: 2, max: 3 },
  lieShare: 0.6,
  killEveryBlocks: { min: 3, max: 6 },
  leastSuccess: 0.95,
  timeoutMs: 900_000,
});
