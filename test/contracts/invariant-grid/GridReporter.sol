// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Billing} from "../../../contracts/libraries/Billing.sol";
import {Consumption, ContractKind, ContractState, ContractView} from "../../../contracts/types/GridContractTypes.sol";
import {Prices, Resources} from "../../../contracts/types/GridTypes.sol";
import {GridActors} from "./GridActors.sol";

/// @dev What nodes report, honestly or not, and what it makes of the model.
abstract contract GridReporter is GridActors {
    /// @dev As nodes said.
    mapping(uint256 contractId => uint256) internal reportedAt;

    /// @dev One to four reports of one node, of any contracts and times.
    function addReports(uint256 seed) public {
        uint256 farm = seed % FARMS;
        uint256 count = grid.contractCount();
        if (count == 0) return;
        Consumption[] memory reports = new Consumption[](1 + (_roll(seed, "count") % 4));
        for (uint256 i = 0; i < reports.length; i++) {
            uint256 item = _roll(_next(seed, i), "item");
            uint256 time = block.timestamp;
            if (_roll(item, "late") % 4 == 0) time -= _roll(item, "by") % 25;
            if (_roll(item, "early") % 16 == 0) time++;
            reports[i] = _oneReport(1 + (item % count), time, item)[0];
        }
        _report(_nodeOf[farm], farm, reports);
    }

    /// @dev As honest nodes do: all that run on it. Without this hardly anything would live for long.
    function reportAll(uint256 seed) public {
        uint256 farm = seed % FARMS;
        uint256 count = grid.contractCount();
        for (uint256 id = 1; id <= count; id++) {
            if (isClosed[id]) continue;
            ContractView memory view_ = _contract(id);
            if (view_.nodeId != _nodeOf[farm] || view_.state == ContractState.Deleted) continue;
            _report(_nodeOf[farm], farm, _oneReport(id, block.timestamp, _next(_roll(seed, "all"), id)));
        }
    }

    function _oneReport(uint256 id, uint256 time, uint256 seed) internal pure returns (Consumption[] memory reports) {
        reports = new Consumption[](1);
        reports[0] = Consumption({
            contractId: id,
            timestamp: uint64(time),
            cru: uint64(_roll(seed, "cru") % 5),
            sru: uint64(_roll(seed, "sru") % (80 << 30)),
            hru: uint64(_roll(seed, "hru") % (80 << 30)),
            mru: uint64(_roll(seed, "mru") % (6 << 30)),
            nru: _roll(seed, "idle") % 2 == 0 ? 0 : uint64(_roll(seed, "nru") % 1e10)
        });
    }

    /// @dev Seeds go round.
    function _next(uint256 seed, uint256 step) private pure returns (uint256) {
        unchecked {
            return seed + step;
        }
    }

    function _lapseOf(Bill storage bill) internal view returns (uint256) {
        uint256 lapse = (block.timestamp / INTERVAL + 3) * INTERVAL;
        return bill.retiresAt == 0 ? lapse : Math.min(lapse, bill.retiresAt);
    }

    function _report(uint256 nodeId, uint256 farm, Consumption[] memory reports) private {
        // What each contract has earned so far is what a report that counts takes.
        uint256 before = credits();
        ContractView[] memory views = new ContractView[](reports.length);
        for (uint256 i = 0; i < reports.length; i++) {
            views[i] = _contract(reports[i].contractId);
        }
        if (!_act("addReports", _owner(farm), 0, abi.encodeCall(grid.addReports, (nodeId, reports)))) {
            wrong = "addReports";
            return;
        }
        uint256 sum;
        for (uint256 i = 0; i < reports.length; i++) {
            (bool counts, uint256 traffic) = _take(nodeId, farm, reports[i], views[i]);
            if (!counts) continue;
            uint256 id = reports[i].contractId;
            uint256 grains = _bills[id].earned - claimed[id];
            claimed[id] += grains;
            sum += grains;
            if (traffic != 0) happened["traffic"]++;
        }
        if (credits() - before != sum) wrong = "credits of reports";
    }

    /// @return counts Whether the report is billed.
    function _take(
        uint256 nodeId,
        uint256 farm,
        Consumption memory report,
        ContractView memory view_
    ) private returns (bool counts, uint256 traffic) {
        Bill storage bill = _bills[report.contractId];
        User storage user = _users[bill.user];
        if (view_.nodeId != nodeId || bill.endedAt != 0 || bill.expiresAt != 0) return (false, 0);
        if (report.timestamp > block.timestamp || report.timestamp <= reportedAt[report.contractId]) return (false, 0);
        uint256 window = Math.min(report.timestamp - reportedAt[report.contractId], 3 * INTERVAL);
        if (user.inGrace) {
            if (bill.lapsesAt <= block.timestamp) return (false, 0);
            (bill.lapsesAt, reportedAt[report.contractId]) = (_lapseOf(bill), report.timestamp);
            happened["kept"]++;
            return (false, 0);
        }
        (uint256 rate, uint256 charge) = _priceOf(farm, report, view_, window);
        reportedAt[report.contractId] = report.timestamp;
        return (true, _cost(bill, rate, charge));
    }

    function _cost(Bill storage bill, uint256 rate, uint256 charge) private returns (uint256 traffic) {
        User storage user = _users[bill.user];
        traffic = Math.min(user.balance, charge * (100 - user.level) * _price * 3600);
        bool isMore = rate > bill.rate || traffic != 0;
        (bill.rate, bill.lapsesAt) = (rate, _lapseOf(bill));
        user.balance -= traffic;
        bill.earned += traffic;
        if (isMore) _lower(bill.user);
    }

    function _priceOf(
        uint256 farm,
        Consumption memory report,
        ContractView memory view_,
        uint256 window
    ) private view returns (uint256 rate, uint256 charge) {
        Prices memory prices = registry.pricesOf(farm + 1);
        Resources memory limits = view_.limits.resources;
        if (view_.kind == ContractKind.Rent) return (Billing.rentRate(prices, limits), 0);
        Resources memory used = Resources({
            cru: uint32(Math.min(report.cru, limits.cru)),
            sru: uint64(Math.min(report.sru, limits.sru)),
            hru: uint64(Math.min(report.hru, limits.hru)),
            mru: uint64(Math.min(report.mru, limits.mru))
        });
        rate = Billing.nodeRate(prices, used, view_.publicIpCount, view_.rentContractId != 0);
        uint256 nru = Math.min(report.nru, (view_.limits.nruPerHour * window) / 3600);
        charge = Billing.networkCharge(prices, nru, window);
    }
}
