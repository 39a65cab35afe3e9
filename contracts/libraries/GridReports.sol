// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IGridContracts} from "../interfaces/IGridContracts.sol";
import {Consumption, ContractKind, ReportOutcome} from "../types/GridContractTypes.sol";
import {ContractTerms, GridContract, GridState, Meter, Phase} from "../types/GridState.sol";
import {Prices, Resources} from "../types/GridTypes.sol";
import {Billing} from "./Billing.sol";
import {ContractLife} from "./ContractLife.sol";
import {GridRevenue} from "./GridRevenue.sol";
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

    /// @notice Takes a batch of reports by the node itself.
    function add(GridState storage state, uint256 nodeId, Consumption[] calldata reports, Moment memory moment) external {
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
        if (terms.phase == Phase.Closed || moment.time >= batch.retiresAt) return ReportOutcome.Over;
        if (terms.phase == Phase.Created) {
            bool isOver = ContractLife.expiresAt(terms, moment) <= moment.time;
            return isOver ? ReportOutcome.Over : ReportOutcome.NotDeployed;
        }
        _turnTo(state, batch, terms.userTwinId, moment);
        if (terms.era != batch.live.era) return ReportOutcome.Over;
        Meter memory meter = self.meter;
        if (report.timestamp > moment.time) return ReportOutcome.FromTheFuture;
        if (report.timestamp <= meter.reportedAt) return ReportOutcome.NotNewer;
        if (batch.live.level == UserStreams.IN_GRACE) return _keep(batch, self, meter, report.timestamp, moment);
        _usePrices(state, batch, self, terms.pricingPolicyId, moment);
        return _bill(state, batch, self, terms, meter, report, moment);
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
        (meter.lapse, meter.reportedAt) = (uint32(batch.lapse), uint32(timestamp));
        self.meter = meter;
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
        Live memory live = batch.live;
        (uint256 grains, ) = ContractLife.claimableOf(state, terms, meter, live, moment);
        uint256 oldRate = meter.lapse * moment.interval <= moment.time ? 0 : meter.rate;
        (uint256 rate, uint256 charge, bool isClipped) = _measure(batch, self, terms, meter, report, moment);
        if (live.nodeRate() + live.steady - oldRate + rate > UserStreams.MAX_TOTAL_RATE) {
            return ReportOutcome.RateTooHigh;
        }
        if (oldRate != 0) live.removeRate(oldRate, meter.lapse);
        live.addRate(rate, batch.lapse);
        // Traffic is charged at once, as far as the balance goes.
        uint256 traffic = Math.min(live.balance, live.costOf(charge, moment));
        live.balance -= traffic;
        if (rate > oldRate || traffic != 0) live.lower(moment);
        batch.earned += grains + traffic;
        self.meter = Meter({
            rate: uint56(rate),
            index: uint96(live.index),
            reportedAt: uint32(report.timestamp),
            lapse: uint32(batch.lapse)
        });
        if (isClipped) emit IGridContracts.ConsumptionClipped(report.contractId, report.timestamp);
        emit IGridContracts.ConsumptionReported(report.contractId, report.timestamp, rate, grains, traffic);
        return ReportOutcome.Accepted;
    }

    /// @dev What a report makes a contract cost: a rate, and a charge for traffic in 2^-20 of 1e-7 USD.
    function _measure(
        Batch memory batch,
        GridContract storage self,
        ContractTerms memory terms,
        Meter memory meter,
        Consumption calldata report,
        Moment memory moment
    ) private view returns (uint256 rate, uint256 charge, bool isClipped) {
        if (terms.kind == ContractKind.Rent) return (_rentRate(batch, self, moment), 0, false);
        Resources memory limits = self.limits;
        Resources memory used = Resources({
            cru: uint32(Math.min(report.cru, limits.cru)),
            sru: uint64(Math.min(report.sru, limits.sru)),
            hru: uint64(Math.min(report.hru, limits.hru)),
            mru: uint64(Math.min(report.mru, limits.mru))
        });
        isClipped =
            report.cru > limits.cru ||
            report.sru > limits.sru ||
            report.hru > limits.hru ||
            report.mru > limits.mru;
        bool isRented = terms.userTwinId == batch.renterTwinId && terms.era == batch.rentEra;
        rate = Billing.nodeRate(batch.prices, used, terms.publicIps, isRented);
        if (report.nru == 0) return (rate, 0, isClipped);
        // Of a longer silence, in which the bill stopped, only so much counts.
        uint256 longest = ContractLife.REPORT_INTERVALS * moment.interval;
        uint256 window = Math.min(report.timestamp - meter.reportedAt, longest);
        uint256 most = (window * terms.nruPerHour) / Billing.SECONDS_PER_HOUR;
        isClipped = isClipped || report.nru > most;
        charge = Billing.networkCharge(batch.prices, Math.min(report.nru, most), window);
    }

    /// @dev A node that has less than when it was rented costs less.
    function _rentRate(Batch memory batch, GridContract storage self, Moment memory moment) private view returns (uint256) {
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
        Live memory live = batch.live;
        if (live.twinId == twinId) return;
        if (live.twinId != 0) live.save(state.streams[live.twinId]);
        batch.live = UserStreams.settleAt(state.streams[twinId], twinId, moment);
    }

    function _usePrices(
        GridState storage state,
        Batch memory batch,
        GridContract storage self,
        uint256 pricingPolicyId,
        Moment memory moment
    ) private {
        if (batch.pricingPolicyId == pricingPolicyId) return;
        _share(state, batch, moment);
        batch.pricingPolicyId = pricingPolicyId;
        batch.prices = moment.registry.pricesOf(pricingPolicyId);
        if (batch.farmId == 0) batch.farmId = self.place.farmId;
    }

    function _share(GridState storage state, Batch memory batch, Moment memory moment) private {
        GridRevenue.share(state, moment.registry, batch.pricingPolicyId, batch.farmId, batch.earned);
        batch.earned = 0;
    }
}
