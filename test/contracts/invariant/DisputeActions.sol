// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LedgerAddress} from "../../../contracts/libraries/LedgerAddress.sol";
import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {
    AgreementTerms,
    AnswerProof,
    EpochWindows,
    PanelWindows,
    SeatStatus,
    TesterSeat,
    Verdict
} from "../../../contracts/types/MarketTypes.sol";
import {EpochActions} from "./EpochActions.sol";

/// @dev Appeals by all parties with their panels, and challenges with and without an answer.
abstract contract DisputeActions is EpochActions {
    function appeal(uint256 seed) external {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (!found) return;
        _playAppeal(agreement, _disputable(agreement, seed), seed);
    }

    function challenge(uint256 seed) external {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (!found) return;
        uint256 epoch = _disputable(agreement, seed);
        _playChallenges(agreement, epoch, seed);
    }

    function answer(uint256 seed) external {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (!found) return;
        uint256 epoch = _disputable(agreement, seed);
        _answers(agreement, epoch, seed);
    }

    function holdPanel(uint256 seed) external {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (!found) return;
        uint256 epoch = _disputable(agreement, seed);
        _playPanel(agreement, epoch, seed);
    }

    /// @dev Appeals for each worker, by whoever it may be.
    function _playAppeal(WorkAgreement agreement, uint256 epoch, uint256 seed) internal {
        AgreementTerms memory terms = agreement.terms();
        for (uint256 i = 0; i < terms.workers.length; i++) {
            uint256 who = _rollOf(seed, "who", i) % 4;
            if (who == 0) _appeal(agreement, epoch, i, terms.client);
            else if (who == 1) _appeal(agreement, epoch, i, terms.workers[i].operator);
            else if (who == 2) _appealAsTester(agreement, epoch, i);
        }
    }

    function _playChallenges(WorkAgreement agreement, uint256 epoch, uint256 seed) internal {
        TesterSeat[] memory seats = agreement.seatsOf(epoch);
        for (uint256 i = 0; i < seats.length; i++) {
            if (seats[i].status != SeatStatus.Revealed || _isOneOf(seed, "leave", i, 3)) continue;
            for (uint256 j = 0; j < seats[i].verdicts.length; j++) {
                uint256 roll = _rollOf(seed, "challenger", i * seats[i].verdicts.length + j);
                if (seats[i].verdicts[j] != Verdict.Ok || roll % 3 == 0) continue;
                _challenge(agreement, epoch, i, j, _actor(roll >> 8));
            }
        }
    }

    /// @dev About half of the challenged testers can show an answer for a worker.
    function _answers(WorkAgreement agreement, uint256 epoch, uint256 seed) internal watched("answer", address(0)) {
        TesterSeat[] memory seats = agreement.seatsOf(epoch);
        for (uint256 i = 0; i < seats.length; i++) {
            uint256 open = disputes.openChallenges(address(agreement), epoch, i);
            for (uint256 j = 0; open >> j != 0; j++) {
                if ((open >> j) & 1 == 0 || _isOneOf(seed, "mute", i * seats[i].verdicts.length + j, 2)) continue;
                _answer(agreement, epoch, i, j, seats[i].tester);
            }
        }
    }

    /// @dev Brings an appealed epoch's panel to its end, with misses.
    function _playPanel(WorkAgreement agreement, uint256 epoch, uint256 seed) internal {
        if (disputes.appealedWorkers(address(agreement), epoch) == 0) return;
        PanelWindows memory windows = disputes.panelWindowsOf(address(agreement), epoch);
        if (block.number > windows.commitTo) return;
        if (block.number < windows.commitFrom) VM.roll(windows.commitFrom);
        _commitPanel(agreement, epoch, seed);
        VM.roll(windows.revealFrom);
        _revealPanel(agreement, epoch, seed);
    }

    function _appealAsTester(WorkAgreement agreement, uint256 epoch, uint256 index) private {
        TesterSeat[] memory seats = agreement.seatsOf(epoch);
        for (uint256 i = 0; i < seats.length; i++) {
            if (seats[i].status == SeatStatus.Revealed) _appeal(agreement, epoch, index, seats[i].tester);
        }
    }

    function _appeal(
        WorkAgreement agreement,
        uint256 epoch,
        uint256 index,
        address appellant
    ) private watched("appeal", appellant) {
        uint256 bond = disputes.bondOf(address(agreement));
        bytes memory data = abi.encodeCall(disputes.appeal, (address(agreement), epoch, index));
        (bool ok, ) = _act("appeal", appellant, address(disputes), bond, data);
        if (!ok) return;
        sentIn += bond;
        openBonds += bond;
        _appellants[agreement][epoch][index] = appellant;
    }

    function _challenge(
        WorkAgreement agreement,
        uint256 epoch,
        uint256 seat,
        uint256 index,
        address challenger
    ) private watched("challenge", challenger) {
        bytes memory data = abi.encodeCall(disputes.challenge, (address(agreement), epoch, seat, index));
        (bool ok, ) = _act("challenge", challenger, address(disputes), MISS_PENALTY, data);
        if (!ok) return;
        sentIn += MISS_PENALTY;
        openBonds += MISS_PENALTY;
    }

    function _answer(WorkAgreement agreement, uint256 epoch, uint256 seat, uint256 index, address tester) private {
        address operator = agreement.terms().workers[index].operator;
        AnswerProof memory proof = _signedAnswer(agreement, epoch, tester, _messageKey[operator]);
        bytes memory data = abi.encodeCall(disputes.answerChallenge, (address(agreement), epoch, seat, index, proof));
        (bool ok, ) = _act("answerChallenge", tester, address(disputes), 0, data);
        if (!ok) return;
        openBonds -= MISS_PENALTY;
        bonds[tester] += MISS_PENALTY;
    }

    function _commitPanel(
        WorkAgreement agreement,
        uint256 epoch,
        uint256 seed
    ) private watched("panelCommit", address(0)) {
        TesterSeat[] memory before = disputes.panelOf(address(agreement), epoch);
        address[] memory drawn = disputes.previewPanel(address(agreement), epoch);
        if (_isOne(seed, "openPanel", 2)) {
            bytes memory data = abi.encodeCall(disputes.openPanel, (address(agreement), epoch));
            _act("openPanel", msg.sender, address(disputes), 0, data);
        }
        uint256 absent = 2 + (_roll(seed, "absent") % 8);
        for (uint256 i = 0; i < drawn.length; i++) {
            if (!_isOneOf(seed, "panelist", i, absent)) _commitPanelist(agreement, epoch, drawn[i]);
        }
        _modelDuties(before, disputes.panelOf(address(agreement), epoch));
    }

    function _commitPanelist(WorkAgreement agreement, uint256 epoch, address tester) private {
        bytes32 commitment = _commitment(agreement, epoch, _panelMood(agreement, epoch), tester);
        bytes memory data = abi.encodeCall(disputes.commit, (address(agreement), epoch, commitment));
        _act("panelCommit", tester, address(disputes), 0, data);
    }

    function _revealPanel(
        WorkAgreement agreement,
        uint256 epoch,
        uint256 seed
    ) private watched("panelReveal", address(0)) {
        TesterSeat[] memory seats = disputes.panelOf(address(agreement), epoch);
        for (uint256 i = 0; i < seats.length; i++) {
            if (!_isOneOf(seed, "mute", i, 10)) _revealPanelist(agreement, epoch, seats[i].tester);
        }
    }

    function _revealPanelist(WorkAgreement agreement, uint256 epoch, address tester) private {
        uint64 verdicts = _verdicts(agreement, _panelMood(agreement, epoch), tester);
        bytes memory data = abi.encodeCall(
            disputes.reveal,
            (address(agreement), epoch, tester, verdicts, CID, _salt(tester))
        );
        _act("panelReveal", msg.sender, address(disputes), 0, data);
    }

    /// @dev The panel sees things in its own way half of the time.
    function _panelMood(WorkAgreement agreement, uint256 epoch) private view returns (uint256) {
        uint256 mood = _moods[agreement][epoch];
        return mood % 2 == 0 ? mood : _roll(mood, "panel");
    }

    /// @dev The newest epoch in its appeal window or before its end, or any.
    function _disputable(WorkAgreement agreement, uint256 seed) private view returns (uint256 epoch) {
        uint256 count = agreement.epochCount();
        for (epoch = agreement.settledEpochs(); epoch < count; epoch++) {
            EpochWindows memory windows = agreement.windowsOf(epoch);
            if (agreement.isOpen(epoch) && block.number >= windows.appealFrom && block.number < windows.finalFrom) {
                return epoch;
            }
        }
        return _roll(seed, "epoch") % count;
    }

    /// @dev What a worker signs for a tester's probe, as wire/execution-answer.ts has it.
    function _signedAnswer(
        WorkAgreement agreement,
        uint256 epoch,
        address tester,
        uint256 messageKey
    ) private returns (AnswerProof memory proof) {
        proof.salt = _salt(tester);
        proof.request.user = "user";
        proof.request.network = "network";
        proof.sequence = uint64(epoch);
        proof.previousState = "previous";
        proof.status = "ok";
        proof.gas = 7;
        bytes32 nonce = keccak256(abi.encode(address(agreement), epoch, tester, proof.salt));
        bytes32 requestHash = _requestHash(nonce, agreement.program());
        bytes32 message = keccak256(
            abi.encode(
                keccak256(
                    "Answer(bytes32 requestHash,uint64 sequence,string previousState,string status,string outputCid,string newState,uint64 gas,string recordCid)"
                ),
                requestHash,
                epoch,
                keccak256("previous"),
                keccak256("ok"),
                keccak256(""),
                keccak256(""),
                7,
                keccak256("")
            )
        );
        bytes32 domain = keccak256(
            abi.encode(keccak256("EIP712Domain(string name,string version)"), keccak256("SPRF"), keccak256("1"))
        );
        proof.signature = _sign(messageKey, keccak256(abi.encodePacked(hex"1901", domain, message)));
    }
    /// @dev The same request in canonical dag-cbor, written out.
    function _requestHash(bytes32 nonce, bytes32 program) private pure returns (bytes32) {
        bytes memory head = abi.encodePacked(hex"a8", "duserduser", "einput", hex"a1", "ebytes", hex"40");
        bytes memory middle = abi.encodePacked("enonceX ", nonce, "fmaxGas", hex"00", "gnetworkgnetwork");
        bytes memory tail = abi.encodePacked("gprogramx8", LedgerAddress.encode(program), "gversion", hex"01");
        return sha256(abi.encodePacked("sprf/request/1", head, middle, tail, "jvalidUntil", hex"00"));
    }
}
