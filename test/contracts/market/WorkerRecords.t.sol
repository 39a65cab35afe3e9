// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WorkerRecords} from "../../../contracts/market/WorkerRecords.sol";
import {ReputationSettings, WorkerRecord, WorkerReport} from "../../../contracts/types/MarketTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

/// @dev The test is the dispatcher.
contract WorkerRecordsTest is SolidityTest {
    uint256 private constant REPORTS = 24;
    uint256 private constant WORKERS = 9;
    uint256 private constant CLIENTS = 3;

    /// @dev What is known of a worker, kept a second time.
    struct Known {
        uint256 ok;
        uint256 unreachable;
        uint256 wrong;
        uint256 completed;
        uint256 slashed;
        uint256 weightOk;
        uint256 weightTotal;
    }

    WorkerRecords private _records;
    mapping(uint256 workerId => Known) private _known;
    mapping(address client => mapping(uint256 workerId => uint256)) private _spent;

    /// @dev Reports of several clients about workers that share slots: no lane runs into the next one, no client weighs
    /// more than the cap, and the rate stays a rate.
    function testFuzzRecords(uint256 seed, uint128 rawCap, uint128 rawPrior) external {
        uint256 cap = _bound(rawCap, 1 gwei, 1_000_000 ether);
        _deploy(cap, _bound(rawPrior, 1 gwei, 1_000_000 ether));
        for (uint256 i = 0; i < REPORTS; i++) {
            _addOne(uint256(keccak256(abi.encode(seed, i))), cap / 1 gwei);
        }
        for (uint256 id = 0; id < WORKERS; id++) {
            _compare(id);
        }
    }

    /// @dev A good report never lowers a rate, a bad one never raises it, and both stay within their bounds.
    function testFuzzRateFollowsReports(uint256 seed, uint128 rawPrior, uint96 rawWeight) external {
        _deploy(1_000_000 ether, _bound(rawPrior, 1 gwei, 1_000_000 ether));
        uint256 before = _records.reputationOf(7);
        _equal(before, 5_000, "nothing is known");
        for (uint256 i = 0; i < 8; i++) {
            WorkerReport memory report;
            report.workerId = 7;
            report.weightTotal = rawWeight;
            bool good = (seed >> i) & 1 == 1;
            if (good) report.weightOk = rawWeight;
            _records.add(address(uint160(i + 1)), report, 0);
            uint256 rate = _records.reputationOf(7);
            _check(good ? rate >= before : rate <= before, "the rate follows");
            _check(rate <= 10_000, "a rate");
            before = rate;
        }
    }

    function _deploy(uint256 cap, uint256 prior) private {
        _records = new WorkerRecords(ReputationSettings({clientWeightCap: uint128(cap), priorWeight: uint128(prior)}));
        _records.attachDispatcher();
    }

    function _addOne(uint256 roll, uint256 cap) private {
        uint256 id = roll % WORKERS;
        address client = address(uint160(1 + ((roll >> 8) % CLIENTS)));
        WorkerReport memory report;
        report.workerId = uint40(id);
        report.epochsOk = uint16(roll >> 16);
        report.epochsUnreachable = uint16(roll >> 32);
        report.epochsWrong = uint16(roll >> 48);
        report.completed = (roll >> 64) & 1 == 1;
        report.weightTotal = uint128((roll >> 65) % (10_000_000 ether >> ((roll >> 192) % 80)));
        report.weightOk = uint128(report.weightTotal == 0 ? 0 : (roll >> 130) % (uint256(report.weightTotal) + 1));
        uint256 slashed = (roll >> 200) % 3 == 0 ? 0 : (roll >> 150) % 1_000 ether;
        _records.add(client, report, slashed);

        Known storage known = _known[id];
        known.ok += report.epochsOk;
        known.unreachable += report.epochsUnreachable;
        known.wrong += report.epochsWrong;
        if (report.completed) known.completed++;
        known.slashed += slashed;
        uint256 left = cap - _spent[client][id];
        uint256 used = report.weightTotal / 1 gwei < left ? report.weightTotal / 1 gwei : left;
        _spent[client][id] += used;
        known.weightTotal += used;
        // Good and bad are cut alike.
        if (report.weightTotal != 0) known.weightOk += (used * report.weightOk) / report.weightTotal;
    }

    function _compare(uint256 id) private view {
        Known memory known = _known[id];
        WorkerRecord memory record = _records.recordOf(id);
        _equal(record.epochsOk, known.ok, "ok");
        _equal(record.epochsUnreachable, known.unreachable, "unreachable");
        _equal(record.epochsWrong, known.wrong, "wrong");
        _equal(record.agreementsCompleted, known.completed, "completed");
        _equal(record.slashed, known.slashed, "slashed");
        _equal(record.weightOk, known.weightOk * 1 gwei, "weight of the good");
        _equal(record.weightTotal, known.weightTotal * 1 gwei, "weight");
        _check(record.weightOk <= record.weightTotal, "the good are a part");
        uint256 prior = _records.settings().priorWeight;
        uint256 rate = ((record.weightOk + prior) * 10_000) / (record.weightTotal + 2 * prior);
        _equal(_records.reputationOf(id), rate, "rate");
        _check(rate <= 10_000, "a rate");
        uint256 tested = known.ok + known.unreachable;
        _equal(_records.uptimeOf(id), tested == 0 ? 10_000 : (known.ok * 10_000) / tested, "uptime");
    }
}
