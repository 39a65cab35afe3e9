// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EpochDraw, EpochVerdicts, SeatState, Tally} from "../../../contracts/libraries/EpochVerdicts.sol";
import {Outcome, SeatStatus, Verdict} from "../../../contracts/types/MarketTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

contract EpochVerdictsTest is SolidityTest {
    using EpochVerdicts for EpochDraw;
    using EpochVerdicts for SeatState;

    EpochDraw private _draw;
    mapping(uint256 seat => SeatState) private _seats;
    Verdict[] private _list;

    function testFuzzDrawRoundTrip(uint32[7] calldata raw, uint8 rawCount, uint8 excused) external {
        uint256 count = _bound(rawCount, 0, 7);
        uint32[] memory ids = new uint32[](count);
        for (uint256 i = 0; i < count; i++) {
            ids[i] = raw[i];
        }
        _check(!_draw.isOpen(), "closed before");
        _draw.open(ids, excused & 0x7f);
        _check(_draw.isOpen(), "open after");
        _equal(_draw.excused(), excused & 0x7f, "excused bits");
        uint32[] memory read = _draw.testerIds();
        _equal(read.length, count, "seats");
        for (uint256 i = 0; i < count; i++) {
            _equal(read[i], ids[i], "tester id");
        }
    }

    function testFuzzSeatRoundTrip(bytes32 commitment, bytes32 other, uint256 roll, uint8 rawCount) external {
        VM.assume(uint256(commitment) >> 48 != 0 && uint256(commitment) >> 48 != uint256(other) >> 48);
        Verdict[] memory list = _verdicts(roll, _bound(rawCount, 1, 20));
        SeatState storage seat = _seats[0];
        _check(seat.status() == SeatStatus.Drawn, "drawn");
        _check(seat.commit(commitment), "kept");
        _check(seat.status() == SeatStatus.Committed, "committed");
        _equal(seat.verdicts(list.length).length, 0, "nothing shown before the reveal");
        _check(!this.revealAs(1, commitment, list), "an empty seat matches nothing");
        _check(this.revealAs(0, commitment, list), "matches");
        _check(seat.status() == SeatStatus.Revealed, "revealed");
        Verdict[] memory read = seat.verdicts(list.length);
        for (uint256 i = 0; i < list.length; i++) {
            _check(read[i] == list[i], "verdict");
        }
        _seats[2].commit(commitment);
        _check(!this.revealAs(2, other, list), "another commitment does not match");
    }

    /// @dev The outcome against the rule written out a second time.
    function testFuzzOutcome(uint256 roll, uint8 rawSeats) external {
        uint256 seatCount = 2 * _bound(rawSeats, 0, 3) + 1;
        _draw.open(new uint32[](seatCount), 0);
        uint256 reveals;
        uint256 wrong;
        uint256 down;
        for (uint256 i = 0; i < seatCount; i++) {
            uint256 what = (roll >> (i * 8)) % 4;
            if (what == 3) continue;
            Verdict[] memory list = new Verdict[](1);
            list[0] = Verdict(what);
            _seats[i].commit(bytes32(type(uint256).max));
            this.revealAs(i, bytes32(type(uint256).max), list);
            reveals++;
            if (what == 2) wrong++;
            if (what != 0) down++;
        }
        Tally memory tally = EpochVerdicts.tally(_draw, _seats, 1);
        _equal(tally.reveals, reveals, "reveals");
        Outcome expected = Outcome.Ok;
        if (down > seatCount / 2) expected = Outcome.Unreachable;
        if (wrong > seatCount / 2) expected = Outcome.Wrong;
        if (reveals <= seatCount / 2 && 2 * reveals != seatCount) expected = Outcome.NoQuorum;
        _check(EpochVerdicts.outcomes(tally, seatCount)[0] == expected, "outcome");
    }

    /// @dev External, because `reveal` reads its list from the call data.
    function revealAs(uint256 seat, bytes32 commitment, Verdict[] calldata list) external returns (bool) {
        return _seats[seat].reveal(commitment, list);
    }

    function _verdicts(uint256 roll, uint256 count) private pure returns (Verdict[] memory list) {
        list = new Verdict[](count);
        for (uint256 i = 0; i < count; i++) {
            list[i] = Verdict((roll >> (i * 8)) % 3);
        }
    }
}
