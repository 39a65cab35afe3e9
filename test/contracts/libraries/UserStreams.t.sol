// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PriceBook} from "../../../contracts/grid/PriceBook.sol";
import {IGridRegistry} from "../../../contracts/interfaces/IGridRegistry.sol";
import {Meter} from "../../../contracts/libraries/Meters.sol";
import {Moment} from "../../../contracts/libraries/Moments.sol";
import {Live, UserStreams} from "../../../contracts/libraries/UserStreams.sol";
import {ScriptedFeed} from "../../../contracts/mocks/ScriptedFeed.sol";
import {UserStream} from "../../../contracts/types/GridState.sol";
import {Price} from "../../../contracts/types/GridTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

/// @dev What the invariants of the grid hardly come by: streams at their bounds, and balances that end with a second.
contract UserStreamsTest is SolidityTest {
    using UserStreams for Live;
    using UserStreams for UserStream;

    uint256 private constant TWIN = 7;
    uint256 private constant INTERVAL = 3_600;
    uint256 private constant GRACE = 10 * INTERVAL;
    uint256 private constant GRACE_SHARE = 40;
    uint256 private constant START = 500_000 * INTERVAL;
    uint256 private constant RATE = 1 << 30;

    PriceBook private _book;
    UserStream private _stream;

    function setUp() external {
        VM.warp(START);
        ScriptedFeed feed = new ScriptedFeed();
        feed.setAnswer(3_000e8, 0);
        _book = new PriceBook(feed, INTERVAL);
    }

    /// @dev Each field as wide as it may be, and beside any others.
    function testFuzzWhatIsWrittenDownIsReadAgain(uint256 seed) external {
        Live memory live;
        live.since = block.timestamp;
        live.rates = _wide(seed, "rates", 224);
        live.balance = _wide(seed, "balance", 136);
        live.index = _wide(seed, "index", 96);
        live.level = seed % 2 == 0 ? UserStreams.IN_GRACE : 60;
        live.era = _wide(seed, "era", 16);
        live.hasCold = true;
        live.steadyIndex = _wide(seed, "steadyIndex", 96);
        live.debt = _wide(seed, "debt", 152);
        live.indexAtDepletion = _wide(seed, "indexAtDepletion", 96);
        live.steadyIndexAtDepletion = _wide(seed, "steadyIndexAtDepletion", 96);
        live.depletedAt = _wide(seed, "depletedAt", 32);
        live.save(_stream);
        Live memory again = _stream.loadAt(0, _moment());
        again.readCold(_stream);
        (live.lapses, again.lapses) = (new uint256[](0), new uint256[](0));
        _check(keccak256(abi.encode(live)) == keccak256(abi.encode(again)), "all fields");
    }

    /// @dev The balance pays whole seconds: the last one that it pays to the grain as well.
    function testABalancePaysItsLastSecondToTheGrain() external {
        uint256 each = RATE * 100 * _moment().price;
        for (uint256 short = 0; short < 2; short++) {
            _begin(50 * each - short);
            VM.warp(block.timestamp + 50);
            Live memory live = _stream.loadAt(TWIN, _moment());
            _check((live.level == UserStreams.IN_GRACE) == (short == 1), "out of funds");
            _equal(live.balance, short == 0 ? 0 : each - 1, "what is left");
        }
    }

    /// @dev What is short of a wei costs one.
    function testWeiAreRoundedUp() external pure {
        _equal(UserStreams.toWeiUp(0), 0, "nothing");
        _equal(UserStreams.toWeiUp(1), 1, "a grain");
        _equal(UserStreams.toWeiUp(1 << 52), 1, "a wei");
        _equal(UserStreams.toWeiUp((1 << 52) + 1), 2, "a grain more");
    }

    /// @dev A balance that covers debt and an hour to the grain ends the grace period, and leaves nothing of it.
    function testTheLeastBalanceEndsTheGrace() external {
        Live memory live = _inGrace();
        _check(live.debt != 0, "a debt");
        uint256 cost = live.recoveryCost(_moment());
        live.balance = cost - 1;
        _equal(live.missing(_moment()), 1, "a grain is missing");
        live.tryRecover(_moment());
        _equal(live.level, UserStreams.IN_GRACE, "still in grace");
        live.balance = cost;
        _equal(live.missing(_moment()), 0, "nothing is missing");
        uint256 debt = live.debt;
        live.tryRecover(_moment());
        _equal(live.balance, cost - debt, "the debt is paid");
        _check(live.level == 0 && live.debt == 0 && live.depletedAt == 0, "nothing is left of it");
    }

    /// @dev An era leaves neither rates nor a debt to the next one.
    function testAnEraTakesAllAlong() external {
        Live memory live = _inGrace();
        uint256 end = live.depletedAt + GRACE;
        VM.warp(end);
        live = _stream.loadAt(TWIN, _moment());
        _equal(live.eraEndedAt, end, "its end");
        _equal(live.era, 1, "the next one");
        _check(live.rates == 0 && live.level == 0 && live.debt == 0, "nothing is left of it");
    }

    /// @dev A discount is not what the user is out of, and no grace period ends by lowering it.
    function testNothingIsLowerThanGrace() external {
        Live memory live = _inGrace();
        live.balance = type(uint128).max;
        live.lower(_moment());
        _equal(live.level, UserStreams.IN_GRACE, "still in grace");
    }

    /// @dev In the very second in which a rate lapses it is out already.
    function testWhatLapsesNowIsNotTakenOutTwice() external {
        _begin(type(uint128).max);
        VM.warp(START + 3 * INTERVAL);
        Live memory live = _stream.settleAt(TWIN, _moment());
        _equal(live.nodeRate(), 0, "it lapsed");
        Meter memory meter = Meter({rate: RATE, index: 0, reportedAt: START, lapse: START / INTERVAL + 3});
        live.drop(_stream, meter, false, _moment());
        _equal(live.rates, 0, "and is gone");
    }

    /// @dev A contract that costs nothing has no index that it lapsed at.
    function testWhatCostsNothingOwesNothing() external {
        Live memory live = _inGrace();
        VM.warp(START + 4 * INTERVAL);
        live = _stream.loadAt(TWIN, _moment());
        uint256 debt = live.debt;
        Meter memory meter = Meter({rate: 0, index: live.index, reportedAt: START, lapse: START / INTERVAL + 2});
        live.drop(_stream, meter, false, _moment());
        _equal(live.debt, debt, "the others' debt");
        (uint256 grains, uint256 index) = live.claimable(_stream, meter, 0, _moment());
        _check(grains == 0 && index == meter.index, "nothing to claim");
    }

    /// @dev Two rates that lapse in one walk, each with the index of its own second.
    function testEachLapseKeepsItsIndex() external {
        _begin(type(uint128).max);
        Live memory live = _stream.loadAt(TWIN, _moment());
        live.addRate(1, START / INTERVAL + 1);
        live.addRate(2, START / INTERVAL + 2);
        live.save(_stream);
        uint256 each = 100 * _moment().price;
        VM.warp(START + 10 * INTERVAL);
        for (uint256 settled = 0; settled < 2; settled++) {
            live = settled == 0 ? _stream.loadAt(TWIN, _moment()) : _stream.settleAt(TWIN, _moment());
            uint256 index;
            for (uint256 i = 1; i <= 3; i++) {
                uint256 share = i == 1 ? 100 : 40;
                index += INTERVAL * (each / 100) * share;
                Meter memory meter = Meter({rate: i, index: 0, reportedAt: START, lapse: START / INTERVAL + i});
                (uint256 grains, uint256 upTo) = live.claimable(_stream, meter, 0, _moment());
                _equal(upTo, index, "the index");
                _equal(grains, i * index, "what it earned");
            }
            _equal(live.nodeRate(), 0, "all have lapsed");
        }
        _equal(_stream.loadAt(TWIN, _moment()).balance, live.balance, "settled once");
    }

    /// @dev A node's rate, until the third interval from now, and no index yet.
    function _begin(uint256 balance) private {
        Live memory live = _stream.loadAt(TWIN, _moment());
        (live.rates, live.balance, live.level, live.index) = (0, balance, 0, 0);
        live.addRate(RATE, block.timestamp / INTERVAL + 3);
        live.save(_stream);
    }

    /// @dev The stream is out of funds since a minute.
    function _inGrace() private returns (Live memory live) {
        _begin(50 * RATE * 100 * _moment().price);
        VM.warp(START + 110);
        live = _stream.settleAt(TWIN, _moment());
        live.save(_stream);
        _equal(live.depletedAt, START + 50, "depleted");
    }

    function _moment() private view returns (Moment memory) {
        Price memory price = _book.peek();
        return
            Moment({
                registry: IGridRegistry(address(0)),
                book: _book,
                time: block.timestamp,
                price: price.price,
                sum: price.sum,
                changedAt: price.changedAt,
                fresh: price.fresh,
                interval: INTERVAL,
                graceSeconds: GRACE,
                graceShare: GRACE_SHARE
            });
    }

    /// @dev As many bits as there are, the highest of them set more often than not.
    function _wide(uint256 seed, string memory use, uint256 bits) private pure returns (uint256) {
        uint256 roll = uint256(keccak256(abi.encode(seed, use)));
        return roll % 4 == 0 ? (roll >> 8) % (1 << bits) : (1 << bits) - 1 - ((roll >> 8) % 16);
    }
}
