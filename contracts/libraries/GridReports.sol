// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IGridContracts} from "../interfaces/IGridContracts.sol";
import {Consumption, ContractKind, ReportOutcome} from "../types/GridContractTypes.sol";
import {ContractTerms, GridContract, GridState, Phase} from "../types/GridState.sol";
import {Prices, Resources} from "../types/GridTypes.sol";
import {Billing} from "./Billing.sol";
import {ContractLife} from "./ContractLife.sol";
import {GridRevenue} from "./GridRevenue.sol";
import {Meter, Meters} from "./Meters.sol";
import {Moment} from "./Moments.sol";
import {Live, UserStreams} from "./UserStreams.sol";

/// @title What nodes say that contracts use
/// @notice Called by GridContracts with its own state. A library of its own because of the limit on a contract's size.
library GridReports {
    using Meters for Meter;
    using UserStreams for Live;

    /// @dev What one batch keeps in memory. Reports of one user in a row share its stream, those under one policy its
    /// prices; what they earned is shared out once. `live`, `meter` and `bill` are filled anew for each report that needs
    /// them: memory costs more the more of it there is.
    struct Batch {
        uint256 nodeId;
        uint256 retiresAt;
        uint256 lapse;
        uint256 farmId;
        // The contract that rents the node, and its user; it may be over.
        uint256 renterTwinId;
        uint256 rentEra;
        uint256 pricingPolicyId;
        Prices prices;
        uint256 earned;
        Live live;
        // Whether more happened to it than that time passed.
        bool mustSave;
        Meter meter;
        // Whether the meter's rate has lapsed.
        bool hasLapsed;
        Bill bill;
    }

    /// @dev What one report makes: a rate, a charge for traffic in 2^-20 of 1e-7 USD, and grains.
    struct Bill {
        uint256 rate;
        uint256 charge;
        bool isClipped;
        // That the contract earned since it was last settled, and that the traffic cost.
        uint256 grains;
        uint256 traffic;
    }

    /// @notice Of one Consumption in calldata: seven words.
    uint256 internal constant REPORT_BYTES = 7 * 32;

    /// @notice Takes a batch of reports by the node itself.
    /// @param data The reports as the node sent them, one after the other.
    function add(GridState storage state, uint256 nodeId, bytes calldata data, Moment memory moment) external {
        Consumption[] calldata reports = _reportsIn(data);
        Batch memory batch;
        batch.nodeId = nodeId;
        (, batch.retiresAt) = moment.registry.nodeAccount(nodeId);
        // What the node's contracts cost lapses when it retires, if not before.
        batch.lapse = Math.min(
            moment.time / moment.interval + ContractLife.REPORT_INTERVALS,
            batch.retiresAt / moment.interval
        );
        _readRent(state, batch);
        for (uint256 i = 0; i < reports.length; i++) {
            ReportOutcome outcome = _add(state, batch, reports[i], moment);
            if (outcome == ReportOutcome.Accepted) continue;
            emit IGridContracts.ReportSkipped(reports[i].contractId, reports[i].timestamp, outcome);
        }
        _save(state, batch);
        _share(state, batch, moment);
    }

    function _reportsIn(bytes calldata data) private pure returns (Consumption[] calldata reports) {
        uint256 count = data.length / REPORT_BYTES;
        assembly ("memory-safe") {
            reports.offset := data.offset
            reports.length := count
        }
    }

    function _add(
        GridState storage state,
        Batch memory batch,
        Consumption calldata report,
        Moment memory moment
    ) private returns (ReportOutcome) {
        GridContract storage self = state.contracts[report.contractId];
        ContractTerms memory terms = self.terms;
        if (terms.nodeId != batch.nodeId) return ReportOutcome.Foreign;
        if (terms.phase != Phase.Deployed || moment.time >= batch.retiresAt) return _refuse(terms, batch, moment);
        if (batch.live.twinId != terms.userTwinId) _turnTo(state, batch, terms.userTwinId, moment);
        if (terms.era != batch.live.era) return ReportOutcome.Over;
        Meter memory meter = batch.meter;
        meter.read(self.meter);
        uint256 timestamp = report.timestamp;
        if (timestamp > moment.time) return ReportOutcome.FromTheFuture;
        if (timestamp <= meter.reportedAt) return ReportOutcome.NotNewer;
        unchecked {
            batch.hasLapsed = meter.lapse * moment.interval <= moment.time;
        }
        if (batch.live.level == UserStreams.IN_GRACE) return _keep(batch, self, timestamp);
        if (batch.pricingPolicyId != terms.pricingPolicyId) _usePrices(state, batch, self, terms, moment);
        return _bill(state, batch, self, terms, report, moment);
    }

    /// @dev Of a contract that the node does not run, or runs no more.
    function _refuse(
        ContractTerms memory terms,
        Batch memory batch,
        Moment memory moment
    ) private pure returns (ReportOutcome) {
        if (terms.phase != Phase.Created || moment.time >= batch.retiresAt) return ReportOutcome.Over;
        bool hasExpired = ContractLife.expiresAt(terms, moment) <= moment.time;
        return hasExpired ? ReportOutcome.Over : ReportOutcome.NotDeployed;
    }

    /// @dev In the grace period: the rate stays what it was, and lapses later.
    function _keep(Batch memory batch, GridContract storage self, uint256 timestamp) private returns (ReportOutcome) {
        if (batch.hasLapsed) return ReportOutcome.OutOfFunds;
        Meter memory meter = batch.meter;
        _replaceRate(batch, meter.rate, meter.rate);
        self.meter = Meters.pack(meter.rate, meter.index, timestamp, batch.lapse);
        return ReportOutcome.Kept;
    }

    function _bill(
        GridState storage state,
        Batch memory batch,
        GridContract storage self,
        ContractTerms memory terms,
        Consumption calldata report,
        Moment memory moment
    ) private returns (ReportOutcome) {
        Bill memory bill = batch.bill;
        if (terms.kind == ContractKind.Rent) _rent(bill, batch, self, moment);
        else _measure(batch, self, terms, report, moment);
        (bill.grains, ) = batch.live.claimable(state.streams[terms.userTwinId], batch.meter, terms.era, moment);
        if (!_charge(batch, moment)) return ReportOutcome.RateTooHigh;
        uint64 timestamp = report.timestamp;
        self.meter = Meters.pack(bill.rate, batch.live.index, timestamp, batch.lapse);
        if (bill.isClipped) emit IGridContracts.ConsumptionClipped(report.contractId, timestamp);
        emit IGridContracts.ConsumptionReported(report.contractId, timestamp, bill.rate, bill.grains, bill.traffic);
        return ReportOutcome.Accepted;
    }

    /// @dev Puts the new rate in the old one's place, and takes what the traffic costs at once, as far as the balance goes.
    /// @return fits Whether the user's rates stay within their bounds; else nothing was done.
    function _charge(Batch memory batch, Moment memory moment) private pure returns (bool fits) {
        (Live memory live, Bill memory bill) = (batch.live, batch.bill);
        uint256 oldRate = batch.hasLapsed ? 0 : batch.meter.rate;
        uint256 rate = bill.rate;
        unchecked {
            // Old rates are among the sum, and each has 64 bits at most.
            if (rate > oldRate && live.nodeRate() + live.steadyRate() - oldRate + rate > UserStreams.MAX_TOTAL_RATE) {
                return false;
            }
        }
        _replaceRate(batch, oldRate, rate);
        bill.traffic = 0;
        if (bill.charge != 0) {
            bill.traffic = Math.min(live.balance, live.costOf(bill.charge, moment));
            live.balance -= bill.traffic;
            batch.mustSave = true;
        }
        if (rate > oldRate || bill.traffic != 0) live.lower(moment);
        unchecked {
            // All the grains that there are have fewer bits.
            batch.earned += bill.grains + bill.traffic;
        }
        return true;
    }

    /// @dev The usual report is of the rate that is there already. The first one of an interval makes it lapse later, and
    /// another one changes nothing.
    function _replaceRate(Batch memory batch, uint256 oldRate, uint256 rate) private pure {
        uint256 lapse = batch.meter.lapse;
        if (rate == oldRate && lapse == batch.lapse) return;
        if (oldRate != 0) batch.live.removeRate(oldRate, lapse);
        batch.live.addRate(rate, batch.lapse);
        batch.mustSave = true;
    }

    /// @dev What a report makes a deployment cost, within its limits.
    function _measure(
        Batch memory batch,
        GridContract storage self,
        ContractTerms memory terms,
        Consumption calldata report,
        Moment memory moment
    ) private view {
        Bill memory bill = batch.bill;
        Resources memory used = self.limits;
        bill.isClipped = _clip(used, report);
        bool isRented = terms.userTwinId == batch.renterTwinId && terms.era == batch.rentEra;
        bill.rate = Billing.nodeRate(batch.prices, used, terms.publicIps, isRented);
        bill.charge = 0;
        uint256 nru = report.nru;
        if (nru == 0) return;
        // Of a longer silence, in which the bill stopped, only so much counts.
        uint256 window = Math.min(
            report.timestamp - batch.meter.reportedAt,
            ContractLife.REPORT_INTERVALS * moment.interval
        );
        uint256 most = (window * terms.nruPerHour) / Billing.SECONDS_PER_HOUR;
        bill.charge = Billing.networkCharge(batch.prices, Math.min(nru, most), window);
        if (nru > most) bill.isClipped = true;
    }

    /// @dev Lowers limits to what is used of them.
    /// @return isClipped Whether more is said to be.
    function _clip(Resources memory used, Consumption calldata report) private pure returns (bool isClipped) {
        (uint256 said, uint256 most) = (report.cru, used.cru);
        if (said > most) isClipped = true;
        else used.cru = uint32(said);
        (said, most) = (report.sru, used.sru);
        if (said > most) isClipped = true;
        else used.sru = uint64(said);
        (said, most) = (report.hru, used.hru);
        if (said > most) isClipped = true;
        else used.hru = uint64(said);
        (said, most) = (report.mru, used.mru);
        if (said > most) isClipped = true;
        else used.mru = uint64(said);
    }

    /// @dev A node that has less than when it was rented costs less.
    function _rent(Bill memory bill, Batch memory batch, GridContract storage self, Moment memory moment) private view {
        Resources memory now_ = moment.registry.node(batch.nodeId).resources;
        bill.rate = Math.min(Billing.rentRate(batch.prices, self.limits), Billing.rentRate(batch.prices, now_));
        (bill.charge, bill.isClipped) = (0, false);
    }

    function _readRent(GridState storage state, Batch memory batch) private view {
        uint256 rentId = state.nodes[batch.nodeId].rentContractId;
        if (rentId == 0) return;
        ContractTerms memory rent = state.contracts[rentId].terms;
        (batch.renterTwinId, batch.rentEra) = (rent.userTwinId, rent.era);
    }

    function _turnTo(GridState storage state, Batch memory batch, uint256 twinId, Moment memory moment) private {
        _save(state, batch);
        batch.mustSave = batch.live.turnTo(state.streams[twinId], twinId, moment);
    }

    function _save(GridState storage state, Batch memory batch) private {
        if (batch.mustSave) batch.live.save(state.streams[batch.live.twinId]);
    }

    function _usePrices(
        GridState storage state,
        Batch memory batch,
        GridContract storage self,
        ContractTerms memory terms,
        Moment memory moment
    ) private {
        _share(state, batch, moment);
        batch.pricingPolicyId = terms.pricingPolicyId;
        batch.prices = moment.registry.pricesOf(terms.pricingPolicyId);
        if (batch.farmId == 0) batch.farmId = self.place.farmId;
    }

    function _share(GridState storage state, Batch memory batch, Moment memory moment) private {
        GridRevenue.share(state, moment.registry, batch.pricingPolicyId, batch.farmId, batch.earned);
        batch.earned = 0;
    }
}
