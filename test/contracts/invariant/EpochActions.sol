// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {EpochWindows, SeatReveal, SeatStatus, SignedCommit, TesterSeat} from "../../../contracts/types/MarketTypes.sol";
import {Testimony} from "./Testimony.sol";

/// @dev What drawn testers do in an epoch: it is opened, committed to and revealed, alone and together.
abstract contract EpochActions is Testimony {
    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );

    function openEpoch(uint256 seed) external {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (!found) return;
        (bool isNext, uint256 epoch) = _nextToTest(agreement);
        if (!isNext) epoch = _roll(seed, "epoch") % agreement.epochCount();
        EpochWindows memory windows = agreement.windowsOf(epoch);
        if (isNext && block.number < windows.commitFrom) VM.roll(windows.commitFrom);
        _open(agreement, epoch);
    }

    /// @dev Brings an agreement to the commit window of its next epoch and lets the testers commit.
    function commitEpoch(uint256 seed) external {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (found) _playCommits(agreement, seed);
    }

    /// @dev Brings an agreement to the reveal window of an epoch and lets those reveal who committed.
    function revealEpoch(uint256 seed) external {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (found) _playReveals(agreement, _roll(seed, "epoch") % agreement.epochCount(), seed);
    }

    /// @return played Whether there was such an epoch.
    function _playCommits(WorkAgreement agreement, uint256 seed) internal returns (bool played, uint256 epoch) {
        (played, epoch) = _nextToTest(agreement);
        if (!played) return (false, 0);
        EpochWindows memory windows = agreement.windowsOf(epoch);
        if (block.number < windows.commitFrom) VM.roll(windows.commitFrom);
        _commits(agreement, epoch, seed);
    }

    function _playReveals(WorkAgreement agreement, uint256 epoch, uint256 seed) internal {
        EpochWindows memory windows = agreement.windowsOf(epoch);
        if (block.number < windows.revealFrom) VM.roll(windows.revealFrom);
        _reveals(agreement, epoch, seed);
    }

    function _nextToTest(WorkAgreement agreement) private view returns (bool, uint256) {
        uint256 count = agreement.epochCount();
        uint256 start = agreement.start();
        uint256 epoch = block.number < start ? 0 : (block.number - start) / EPOCH;
        for (; epoch < count; epoch++) {
            EpochWindows memory windows = agreement.windowsOf(epoch);
            if (windows.commitFrom <= windows.commitTo && block.number <= windows.commitTo) return (true, epoch);
        }
        return (false, 0);
    }

    function _open(WorkAgreement agreement, uint256 epoch) private watched("openEpoch", address(0)) {
        TesterSeat[] memory before = agreement.seatsOf(epoch);
        _act("openEpoch", msg.sender, address(agreement), 0, abi.encodeCall(agreement.openEpoch, (epoch)));
        _modelDuties(before, agreement.seatsOf(epoch));
    }

    function _commits(WorkAgreement agreement, uint256 epoch, uint256 seed) private watched("commit", address(0)) {
        TesterSeat[] memory before = agreement.seatsOf(epoch);
        if (_moods[agreement][epoch] == 0) _moods[agreement][epoch] = _roll(seed, "mood");
        address[] memory drawn = agreement.previewTesters(epoch);
        uint256 together = _isOne(seed, "together", 2) ? _roll(seed, "group") : 0;
        for (uint256 i = 0; i < drawn.length; i++) {
            if ((together >> i) & 1 == 0 && !_isOneOf(seed, "silent", i, 8)) _commitAlone(agreement, epoch, drawn[i]);
        }
        if (together != 0) _commitTogether(agreement, epoch, drawn, together);
        _modelDuties(before, agreement.seatsOf(epoch));
    }

    function _commitAlone(WorkAgreement agreement, uint256 epoch, address tester) private {
        bytes32 commitment = _commitment(agreement, epoch, _moods[agreement][epoch], tester);
        _act("commit", tester, address(agreement), 0, abi.encodeCall(agreement.commit, (epoch, commitment)));
    }

    function _commitTogether(WorkAgreement agreement, uint256 epoch, address[] memory drawn, uint256 group) private {
        SignedCommit[] memory commits = new SignedCommit[](drawn.length);
        uint256 count;
        for (uint256 i = 0; i < drawn.length; i++) {
            if ((group >> i) & 1 == 0) continue;
            bytes32 commitment = _commitment(agreement, epoch, _moods[agreement][epoch], drawn[i]);
            bytes memory signature = _sign(_accountKey[drawn[i]], _digest(agreement, epoch, commitment));
            commits[count++] = SignedCommit({seat: uint8(i), commitment: commitment, signature: signature});
        }
        assembly ("memory-safe") {
            mstore(commits, count)
        }
        bytes memory data = abi.encodeCall(agreement.commitMany, (epoch, commits));
        _act("commitMany", msg.sender, address(agreement), 0, data);
    }

    function _reveals(WorkAgreement agreement, uint256 epoch, uint256 seed) private watched("reveal", address(0)) {
        TesterSeat[] memory seats = agreement.seatsOf(epoch);
        SeatReveal[] memory together = new SeatReveal[](seats.length);
        uint256 count;
        for (uint256 i = 0; i < seats.length; i++) {
            if (seats[i].status != SeatStatus.Committed || _isOneOf(seed, "mute", i, 10)) continue;
            SeatReveal memory report = _report(agreement, epoch, seats[i].tester, i);
            if (seats[i].grouped || _isOne(seed, "together", 2)) together[count++] = report;
            else _revealAlone(agreement, epoch, report);
        }
        assembly ("memory-safe") {
            mstore(together, count)
        }
        if (count != 0) _revealTogether(agreement, epoch, seats, together);
    }

    function _revealAlone(WorkAgreement agreement, uint256 epoch, SeatReveal memory report) private {
        _act("reveal", msg.sender, address(agreement), 0, abi.encodeCall(agreement.reveal, (epoch, report)));
    }

    function _revealTogether(
        WorkAgreement agreement,
        uint256 epoch,
        TesterSeat[] memory seats,
        SeatReveal[] memory reports
    ) private {
        bytes32[] memory group = new bytes32[](seats.length);
        uint256 count;
        for (uint256 i = 0; i < seats.length; i++) {
            if (!seats[i].grouped) continue;
            group[count++] = _commitment(agreement, epoch, _moods[agreement][epoch], seats[i].tester);
        }
        assembly ("memory-safe") {
            mstore(group, count)
        }
        bytes memory data = abi.encodeCall(agreement.revealMany, (epoch, group, reports));
        _act("revealMany", msg.sender, address(agreement), 0, data);
    }

    function _report(
        WorkAgreement agreement,
        uint256 epoch,
        address tester,
        uint256 seat
    ) private view returns (SeatReveal memory) {
        return
            SeatReveal({
                seat: uint8(seat),
                tester: tester,
                verdicts: _verdicts(agreement, _moods[agreement][epoch], tester),
                evidenceCid: CID,
                salt: _salt(tester)
            });
    }

    /// @dev EIP-712, as a tester's wallet would have it.
    function _digest(WorkAgreement agreement, uint256 epoch, bytes32 commitment) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                DOMAIN_TYPEHASH,
                keccak256("SPRF WorkAgreement"),
                keccak256("1"),
                block.chainid,
                address(agreement)
            )
        );
        bytes32 message = keccak256(
            abi.encode(keccak256("Commit(uint256 epoch,bytes32 commitment)"), epoch, commitment)
        );
        return keccak256(abi.encodePacked(hex"1901", domain, message));
    }
}
