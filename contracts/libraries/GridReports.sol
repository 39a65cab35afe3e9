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
    using UserStreams for Live;

    /// @dev What one batch keeps in memory. Reports of one user in a row share its stream, those under one policy its
    /// prices; what they earned is shared out once.
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

    /// @notice Takes a batch of reports by the node itself.
    function add(
        GridState storage state,
        uint256 nodeId,
        Consumption[] calldata reports,
        Moment memory moment
    ) external {
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
        if (batch.live.twinId != 0) batch.live.save(state.streams[batch.live.twinId]);
        _share(state, batch, moment);
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
        Meter memory meter = Meters.unpack(self.meter);
        if (report.timestamp > moment.time) return ReportOutcome.FromTheFuture;
        if (report.timestamp <= meter.reportedAt) return ReportOutcome.NotNewer;
        if (batch.live.level == UserStreams.IN_GRACE) return _keep(batch, self, meter, report.timestamp, moment);
        if (batch.pricingPolicyId != terms.pricingPolicyId) _usePrices(state, batch, self, terms, moment);
        return _bill(state, batch, self, terms, meter, report, moment);
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
    function _keep(
        Batch memory batch,
        GridContract storage self,
        Meter memory meter,
        uint256 timestamp,
        Moment memory moment
    ) private returns (ReportOutcome) {
        if (meter.lapse * moment.interval <= moment.time) return ReportOutcome.OutOfFunds;
        batch.live.removeRate(meter.rate, meter.lapse);
        batch.live.addRate(meter.rate, batch.lapse);
        self.meter = Meters.pack(meter.rate, meter.index, timestamp, batch.lapse);
        return ReportOutcome.Kept;
    }

    function _bill(
        GridState storage state,
        Batch memory batch,
        GridContract storage self,
        ContractTerms memory terms,
        Meter memory meter,
        Consumption calldata report,
        Moment memory moment
    ) private returns (ReportOutcome) {
        Bill memory bill;
        (bill.grains, ) = batch.live.claimable(state.streams[terms.userTwinId], meter, terms.era, moment);
        if (terms.kind == ContractKind.Rent) bill.rate = _rentRate(batch, self, moment);
        else _measure(bill, batch, self, terms, meter, report, moment);
        bool hasLapsed = meter.lapse * moment.interval <= moment.time;
        if (!_charge(bill, batch, meter, hasLapsed, moment)) return ReportOutcome.RateTooHigh;
        self.meter = Meters.pack(bill.rate, batch.live.index, report.timestamp, batch.lapse);
        if (bill.isClipped) emit IGridContracts.ConsumptionClipped(report.contractId, report.timestamp);
        emit IGridContracts.ConsumptionReported(
            report.contractId,
            report.timestamp,
            bill.rate,
            bill.grains,
            bill.traffic
        );
        return ReportOutcome.Accepted;
    }

    /// @dev Puts the new rate in the old one's place, and takes what the traffic costs at once, as far as the balance goes.
    /// @return fits Whether the user's rates stay within their bounds; else nothing was done.
    function _charge(
        Bill memory bill,
        Batch memory batch,
        Meter memory meter,
        bool hasLapsed,
        Moment memory moment
    ) private pure returns (bool fits) {
        Live memory live = batch.live;
        uint256 oldRate = hasLapsed ? 0 : meter.rate;
        unchecked {
            // Old rates are among the sum, and each has 64 bits at most.
            uint256 total = live.nodeRate() + live.steadyRate() - oldRate + bill.rate;
            if (total > UserStreams.MAX_TOTAL_RATE) return false;
        }
        if (oldRate != 0) live.removeRate(oldRate, meter.lapse);
        live.addRate(bill.rate, batch.lapse);
        if (bill.charge != 0) {
            bill.traffic = Math.min(live.balance, live.costOf(bill.charge, moment));
            live.balance -= bill.traffic;
        }
        if (bill.rate > oldRate || bill.traffic != 0) live.lower(moment);
        batch.earned += bill.grains + bill.traffic;
        return true;
    }

    /// @dev What a report makes a deployment cost, within its limits.
    function _measure(
        Bill memory bill,
        Batch memory batch,
        GridContract storage self,
        ContractTerms memory terms,
        Meter memory meter,
        Consumption calldata report,
        Moment memory moment
    ) private view {
        Resources memory used = self.limits;
        bool isClipped =
            report.cru > used.cru || report.sru > used.sru || report.hru > used.hru || report.mru > used.mru;
        if (report.cru < used.cru) used.cru = uint32(report.cru);
        if (report.sru < used.sru) used.sru = report.sru;
        if (report.hru < used.hru) used.hru = report.hru;
        if (report.mru < used.mru) used.mru = report.mru;
        bool isRented = terms.userTwinId == batch.renterTwinId && terms.era == batch.rentEra;
        bill.rate = Billing.nodeRate(batch.prices, used, terms.publicIps, isRented);
        if (report.nru != 0) {
            // Of a longer silence, in which the bill stopped, only so much counts.
            uint256 window = Math.min(
                report.timestamp - meter.reportedAt,
                ContractLife.REPORT_INTERVALS * moment.interval
            );
            uint256 most = (window * terms.nruPerHour) / Billing.SECONDS_PER_HOUR;
            bill.charge = Billing.networkCharge(batch.prices, Math.min(report.nru, most), window);
            isClipped = isClipped || report.nru > most;
        }
        bill.isClipped = isClipped;
    }

    /// @dev A node that has less than when it was rented costs less.
    function _rentRate(
        Batch memory batch,
        GridContract storage self,
        Moment memory moment
    ) private view returns (uint256) {
        uint256 asRented = Billing.rentRate(batch.prices, self.limits);
        Resources memory now_ = moment.registry.node(batch.nodeId).resources;
        return Math.min(asRented, Billing.rentRate(batch.prices, now_));
    }

    function _readRent(GridState storage state, Batch memory batch) private view {
        uint256 rentId = state.nodes[batch.nodeId].rentContractId;
        if (rentId == 0) return;
        ContractTerms memory rent = state.contracts[rentId].terms;
        (batch.renterTwinId, batch.rentEra) = (rent.userTwinId, rent.era);
    }

    function _turnTo(GridState storage state, Batch memory batch, uint256 twinId, Moment memory moment) private {
        Live memory before = batch.live;
        if (before.twinId != 0) before.save(state.streams[before.twinId]);
        batch.live = UserStreams.settleAt(state.streams[twinId], twinId, moment);
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
