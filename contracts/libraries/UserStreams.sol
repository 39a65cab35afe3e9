// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IGridContracts} from "../interfaces/IGridContracts.sol";
import {EraEnd, UserStream} from "../types/GridState.sol";
import {Billing} from "./Billing.sol";
import {Meter} from "./Meters.sol";
import {Moment, Moments} from "./Moments.sol";

/// @dev A user's stream in memory, walked to one moment.
struct Live {
    uint256 twinId;
    // As in the stored word, without the time.
    uint256 rates;
    uint256 since;
    uint256 balance;
    uint256 index;
    uint256 level;
    uint256 era;
    // Whether the following five were read: they are seldom needed.
    bool hasCold;
    uint256 steadyIndex;
    uint256 debt;
    uint256 indexAtDepletion;
    uint256 steadyIndexAtDepletion;
    uint256 depletedAt;
    // What the walk came by and `settleAt` writes down: whether the balance was used up, when an era ended, and intervals
    // with the index at their start, in turns.
    bool isDepleted;
    uint256 eraEndedAt;
    uint256 lapseCount;
    uint256[] lapses;
}

/// @title A user's money, settled at one moment for all contracts
/// @notice The index grows every second by what a rate of one costs: price x (100 - discount). What the user spends in some
/// time is the sum of rates x what the index grew by, and what a contract earns is its own rate x the same, so nothing
/// is rounded and whoever settles first changes nothing.
///
/// A rate lapses at the start of one of the next three intervals; a ring of three sums says how much does at which. So
/// a walk from the last settlement to now stops at three of these at most, however long ago that was: after the third
/// only names are left. Where something lapsed, the index is kept, so that the contract can be settled at any time.
///
/// The discount is decided anew at the start of each interval, from the balance, the rates that are left, and the price
/// of the second before; and lowered (never raised) by `lower` whenever the balance fell or a rate rose.
///
/// When the balance does not pay another second, the stream goes on in grace: the ring and the index as before, the price
/// a share of it, and what is spent makes a debt. Contracts may not claim what lies past that point before the debt is paid.
///
/// Arithmetic is unchecked where every report passes, because nothing can overflow: all rates together have 56 bits, a share
/// 7, and the integral of the price 96 in fifty thousand years, so that grains have at most 160 and the index, whose price
/// has 56 bits at most and 38 as a rule, 96 until 2^33 seconds are over. What is written down is checked.
library UserStreams {
    using Moments for Moment;
    using SafeCast for uint256;

    /// @notice In the place of a discount: the user is out of funds.
    uint256 internal constant IN_GRACE = type(uint8).max;
    /// @notice Of all rates of a user together: 6,871 USD an hour.
    uint256 internal constant MAX_TOTAL_RATE = type(uint56).max;
    /// @notice In the place of an interval: names do not lapse.
    uint256 internal constant NEVER_LAPSES = type(uint32).max;

    // All in figures: what is made of other constants is worked out anew, and checked, wherever it stands.
    uint256 private constant SLOTS = 3;
    uint256 private constant RATE_BITS = 56;
    uint256 private constant STEADY_SHIFT = 3 * 56;
    uint256 private constant TIME_SHIFT = 4 * 56;
    uint256 private constant INDEX_SHIFT = 136;
    uint256 private constant LEVEL_SHIFT = 136 + 96;
    uint256 private constant ERA_SHIFT = 136 + 96 + 8;
    uint256 private constant RATE_MASK = (1 << 56) - 1;
    uint256 private constant ALL_RATES_MASK = (1 << (4 * 56)) - 1;
    uint256 private constant BALANCE_MASK = (1 << 136) - 1;
    uint256 private constant PERCENT = 100;

    /// @notice The stream as it was written down last, walked to the moment.
    function loadAt(
        UserStream storage self,
        uint256 twinId,
        Moment memory moment
    ) internal view returns (Live memory live) {
        _load(live, self, twinId, moment);
    }

    /// @notice As `loadAt`, and writes down and says what the walk came by. `save` is for what is done to the stream then.
    function settleAt(
        UserStream storage self,
        uint256 twinId,
        Moment memory moment
    ) internal returns (Live memory live) {
        turnTo(live, self, twinId, moment);
    }

    /// @notice As `settleAt`, in the memory of a stream that is needed no more: a batch of reports would fill it else.
    /// @return mustSave Whether the walk came by what is to be said once. Otherwise it does not matter where the next one begins:
    /// who changes nothing need not save it.
    function turnTo(
        Live memory live,
        UserStream storage self,
        uint256 twinId,
        Moment memory moment
    ) internal returns (bool mustSave) {
        _load(live, self, twinId, moment);
        for (uint256 i = 0; i < live.lapseCount; i++) {
            self.lapsed[live.lapses[2 * i]] = live.lapses[2 * i + 1];
        }
        if (live.isDepleted) {
            emit IGridContracts.OutOfFunds(twinId, live.depletedAt, live.depletedAt + moment.graceSeconds);
        }
        if (live.eraEndedAt != 0) {
            self.eras[live.era - 1] = eraEndOf(live, self, live.era - 1);
            emit IGridContracts.GraceEnded(twinId, live.eraEndedAt);
        }
        return live.isDepleted || live.eraEndedAt != 0;
    }

    /// @notice Reads what `loadAt` left out.
    function readCold(Live memory live, UserStream storage self) internal view {
        if (live.hasCold) return;
        live.hasCold = true;
        (live.steadyIndex, live.debt) = (self.steadyIndex, self.debt);
        (live.indexAtDepletion, live.steadyIndexAtDepletion) = (self.indexAtDepletion, self.steadyIndexAtDepletion);
        live.depletedAt = self.depletedAt;
    }

    /// @notice Writes the stream down.
    function save(Live memory live, UserStream storage self) internal {
        self.rates = live.rates | (uint256(live.since.toUint32()) << TIME_SHIFT);
        self.funds =
            uint256(live.balance.toUint136()) |
            (uint256(live.index.toUint96()) << INDEX_SHIFT) |
            (live.level << LEVEL_SHIFT) |
            (uint256(live.era.toUint16()) << ERA_SHIFT);
        if (!live.hasCold) return;
        (self.steadyIndex, self.debt) = (live.steadyIndex.toUint96(), live.debt.toUint152());
        self.indexAtDepletion = live.indexAtDepletion.toUint96();
        self.steadyIndexAtDepletion = live.steadyIndexAtDepletion.toUint96();
        self.depletedAt = live.depletedAt.toUint32();
    }

    /// @notice Sum of the rates on nodes that have not lapsed.
    function nodeRate(Live memory live) internal pure returns (uint256) {
        uint256 rates = live.rates;
        unchecked {
            return (rates & RATE_MASK) + ((rates >> RATE_BITS) & RATE_MASK) + ((rates >> (2 * RATE_BITS)) & RATE_MASK);
        }
    }

    /// @notice Sum of the rates of names.
    function steadyRate(Live memory live) internal pure returns (uint256) {
        return live.rates >> STEADY_SHIFT;
    }

    /// @notice Takes a contract's rate in, to lapse at the start of an interval that is one of the next three. The caller
    /// sees to it that all rates together stay within MAX_TOTAL_RATE.
    function addRate(Live memory live, uint256 rate, uint256 lapse) internal pure {
        unchecked {
            live.rates += rate << (RATE_BITS * (lapse % SLOTS));
        }
    }

    /// @notice Takes a rate out that was added and has not lapsed.
    function removeRate(Live memory live, uint256 rate, uint256 lapse) internal pure {
        unchecked {
            live.rates -= rate << (RATE_BITS * (lapse % SLOTS));
        }
    }

    /// @notice Takes a name's rate in. As for `addRate`.
    function addSteadyRate(Live memory live, uint256 rate) internal pure {
        live.rates += rate << STEADY_SHIFT;
    }

    /// @notice Lowers the discount to what the balance deserves now. To be called when the balance fell or a rate rose.
    function lower(Live memory live, Moment memory moment) internal pure {
        if (live.level == IN_GRACE || live.level == 0) return;
        live.level = Math.min(live.level, _deserved(live, nodeRate(live), moment.price));
    }

    /// @notice What an amount of 2^-20 of 1e-7 USD, as `Billing.networkCharge` has it, costs now.
    function costOf(Live memory live, uint256 charge, Moment memory moment) internal pure returns (uint256 grains) {
        return charge * (PERCENT - live.level) * moment.price * Billing.SECONDS_PER_HOUR;
    }

    /// @notice What rates cost in an hour at the present price, without a discount.
    function hourly(uint256 rate, Moment memory moment) internal pure returns (uint256 grains) {
        return rate * PERCENT * moment.price * Billing.SECONDS_PER_HOUR;
    }

    /// @notice What it takes to come back from grace: the debt, and an hour of what would run.
    function recoveryCost(Live memory live, Moment memory moment) internal pure returns (uint256 grains) {
        return live.debt + hourly(nodeRate(live) + steadyRate(live), moment);
    }

    /// @notice Wei that a deposit must have to end the grace period.
    function missing(Live memory live, Moment memory moment) internal pure returns (uint256 amount) {
        uint256 cost = recoveryCost(live, moment);
        return cost <= live.balance ? 0 : toWeiUp(cost - live.balance);
    }

    /// @notice Refuses what a user may not begin who is out of funds.
    function requireFunded(Live memory live, Moment memory moment) internal pure {
        if (live.level != IN_GRACE) return;
        revert IGridContracts.GridContracts_InGrace(live.twinId, live.depletedAt, missing(live, moment));
    }

    function toWeiUp(uint256 grains) internal pure returns (uint256 amount) {
        return (grains + (1 << Billing.GRAIN_BITS) - 1) >> Billing.GRAIN_BITS;
    }

    /// @notice Ends the grace period if the balance covers its cost.
    function tryRecover(Live memory live, Moment memory moment) internal {
        if (live.level != IN_GRACE || live.balance < recoveryCost(live, moment)) return;
        emit IGridContracts.Recovered(live.twinId, live.debt);
        live.balance -= live.debt;
        (live.debt, live.depletedAt, live.level) = (0, 0, 0);
    }

    /// @notice Grains that a contract on a node may claim now.
    /// @param era Of the contract.
    /// @return grains What it earned since it was last settled and its user has paid.
    /// @return index Up to where it is settled then.
    function claimable(
        Live memory live,
        UserStream storage self,
        Meter memory meter,
        uint256 era,
        Moment memory moment
    ) internal view returns (uint256 grains, uint256 index) {
        if (meter.rate == 0) return (0, meter.index);
        index = live.index;
        if (era != live.era) {
            EraEnd memory end = eraEndOf(live, self, era);
            index = end.index;
            if (meter.lapse * moment.interval <= end.endedAt) {
                index = Math.min(index, _indexAtLapse(live, self, meter.lapse));
            }
        } else {
            bool hasLapsed;
            unchecked {
                hasLapsed = meter.lapse * moment.interval <= live.since;
            }
            if (hasLapsed) index = _indexAtLapse(live, self, meter.lapse);
            if (live.level == IN_GRACE) index = Math.min(index, live.indexAtDepletion);
        }
        unchecked {
            grains = meter.rate * (index - meter.index);
        }
    }

    /// @notice As `claimable`, for a name.
    function claimableOfName(
        Live memory live,
        UserStream storage self,
        Meter memory meter,
        uint256 era
    ) internal view returns (uint256 grains, uint256 index) {
        if (era != live.era) index = eraEndOf(live, self, era).steadyIndex;
        else index = live.level == IN_GRACE ? live.steadyIndexAtDepletion : live.steadyIndex;
        grains = meter.rate * (index - meter.index);
    }

    /// @notice Takes a contract out that ends now or has ended in this era, and that was settled as far as can be. What it
    /// would have earned in a grace period is not owed any more.
    function drop(
        Live memory live,
        UserStream storage self,
        Meter memory meter,
        bool isName,
        Moment memory moment
    ) internal view {
        if (meter.rate == 0) return;
        uint256 index = live.steadyIndex;
        if (isName) {
            live.rates -= meter.rate << STEADY_SHIFT;
        } else if (meter.lapse * moment.interval <= live.since) {
            index = _indexAtLapse(live, self, meter.lapse);
        } else {
            removeRate(live, meter.rate, meter.lapse);
            index = live.index;
        }
        if (live.level == IN_GRACE) live.debt -= meter.rate * (index - meter.index);
    }

    /// @notice How an era ended that is over.
    function eraEndOf(Live memory live, UserStream storage self, uint256 era) internal view returns (EraEnd memory) {
        if (live.eraEndedAt == 0 || era + 1 != live.era) return self.eras[era];
        return
            EraEnd({
                endedAt: live.eraEndedAt.toUint32(),
                index: live.indexAtDepletion.toUint96(),
                steadyIndex: live.steadyIndexAtDepletion.toUint96()
            });
    }

    /// @notice Grains that a second costs for each grain of price.
    function weight(Live memory live, Moment memory moment) internal pure returns (uint256) {
        (uint256 share, uint256 steadyShare) = _shares(live, moment);
        unchecked {
            return nodeRate(live) * share + steadyRate(live) * steadyShare;
        }
    }

    function _load(Live memory live, UserStream storage self, uint256 twinId, Moment memory moment) private view {
        uint256 word = self.rates;
        live.twinId = twinId;
        live.rates = word & ALL_RATES_MASK;
        word >>= TIME_SHIFT;
        // A stream begins when it is first looked at.
        live.since = word == 0 ? moment.time : word;
        word = self.funds;
        live.balance = word & BALANCE_MASK;
        live.index = (word >> INDEX_SHIFT) & type(uint96).max;
        live.level = (word >> LEVEL_SHIFT) & type(uint8).max;
        live.era = word >> ERA_SHIFT;
        (live.hasCold, live.isDepleted, live.eraEndedAt, live.lapseCount) = (false, false, 0, 0);
        if (steadyRate(live) != 0 || live.level == IN_GRACE) readCold(live, self);
        if (live.since < moment.time) _walk(live, self, moment);
    }

    function _walk(Live memory live, UserStream storage self, Moment memory moment) private view {
        uint256 sum = moment.sumAt(live.since);
        uint256 rate = nodeRate(live);
        do {
            (uint256 stop, bool isNewInterval) = _nextStop(live, rate, moment);
            (uint256 share, uint256 steadyShare) = _shares(live, moment);
            unchecked {
                uint256 grown = moment.sumAt(stop) - sum;
                uint256 each = rate * share + (live.rates >> STEADY_SHIFT) * steadyShare;
                if (live.level != IN_GRACE && each * grown > live.balance) {
                    stop = moment.lastTimeAt(live.since, sum, sum + live.balance / each);
                    grown = moment.sumAt(stop) - sum;
                    _advance(live, stop, each * grown, share * grown, steadyShare * grown);
                    _deplete(live, self);
                } else {
                    _advance(live, stop, each * grown, share * grown, steadyShare * grown);
                    if (isNewInterval) rate = _cross(live, rate, moment);
                    if (live.level == IN_GRACE && stop == live.depletedAt + moment.graceSeconds) {
                        _endEra(live);
                        rate = 0;
                    }
                }
                sum += grown;
            }
        } while (live.since < moment.time);
    }

    /// @dev Where something may change: the next interval when rates may lapse then, the end of the grace period, or now.
    /// @return stop That time.
    /// @return isNewInterval Whether it is in another interval than where the stream stands.
    function _nextStop(
        Live memory live,
        uint256 rate,
        Moment memory moment
    ) private pure returns (uint256 stop, bool isNewInterval) {
        stop = moment.time;
        unchecked {
            uint256 next = (live.since / moment.interval + 1) * moment.interval;
            if (rate != 0 && next < stop) stop = next;
            if (live.level == IN_GRACE) stop = Math.min(stop, live.depletedAt + moment.graceSeconds);
            isNewInterval = stop >= next;
        }
    }

    /// @dev Goes on to a time, with what was spent until then and what the indexes grew by.
    function _advance(Live memory live, uint256 to, uint256 cost, uint256 grown, uint256 steadyGrown) private pure {
        unchecked {
            if (live.level == IN_GRACE) live.debt += cost;
            else live.balance -= cost;
            live.index += grown;
            if (live.rates >> STEADY_SHIFT != 0) live.steadyIndex += steadyGrown;
        }
        live.since = to;
    }

    /// @dev Percent of the price that a rate on a node, and a name's, costs now.
    function _shares(Live memory live, Moment memory moment) private pure returns (uint256, uint256) {
        if (live.level == IN_GRACE) return (moment.graceShare, moment.graceShare);
        unchecked {
            return (PERCENT - live.level, PERCENT);
        }
    }

    /// @dev At the start of an interval, or past several in which nothing on a node cost anything.
    /// @param rate Of all on nodes, before.
    /// @return left What of it does not lapse here.
    function _cross(Live memory live, uint256 rate, Moment memory moment) private view returns (uint256 left) {
        left = rate;
        if (rate != 0) {
            unchecked {
                uint256 interval = live.since / moment.interval;
                uint256 shift = RATE_BITS * (interval % SLOTS);
                uint256 lapsing = (live.rates >> shift) & RATE_MASK;
                if (lapsing != 0) {
                    live.rates ^= lapsing << shift;
                    left -= lapsing;
                    if (live.lapseCount == 0) live.lapses = new uint256[](2 * SLOTS);
                    live.lapses[2 * live.lapseCount] = interval;
                    live.lapses[2 * live.lapseCount++ + 1] = live.index;
                }
            }
        }
        if (live.level == IN_GRACE) return left;
        // The price of the second before: what is touched in this very second does not change what it began with.
        live.level = left == 0 ? 0 : _deserved(live, left, moment.priceBefore(live.since));
    }

    function _deplete(Live memory live, UserStream storage self) private view {
        readCold(live, self);
        (live.level, live.depletedAt, live.isDepleted) = (IN_GRACE, live.since, true);
        (live.indexAtDepletion, live.steadyIndexAtDepletion) = (live.index, live.steadyIndex);
    }

    function _endEra(Live memory live) private pure {
        live.eraEndedAt = live.since;
        live.era++;
        (live.rates, live.level, live.debt) = (0, 0, 0);
    }

    /// @dev The discount by how many months the balance lasts at a price.
    function _deserved(Live memory live, uint256 rate, uint256 price) private pure returns (uint256 percent) {
        unchecked {
            uint256 perSecond = (rate + steadyRate(live)) * PERCENT * price;
            uint256 due = perSecond * Billing.SECONDS_PER_HOUR * Billing.HOURS_PER_MONTH;
            return Billing.discountPercent(Billing.discountLevel(live.balance, due));
        }
    }

    function _indexAtLapse(Live memory live, UserStream storage self, uint256 interval) private view returns (uint256) {
        for (uint256 i = 0; i < live.lapseCount; i++) {
            if (live.lapses[2 * i] == interval) return live.lapses[2 * i + 1];
        }
        return self.lapsed[interval];
    }
}
