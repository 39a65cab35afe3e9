// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {AgreementStatus} from "../../../contracts/types/MarketTypes.sol";
import {SettlingActions} from "./SettlingActions.sol";
import {WorkerActions} from "./WorkerActions.sol";

/// @dev Plays the market at random. Single steps mix everything with everything; `playEpoch` and `playDispute` go
/// through whole epochs, which random steps would seldom bring to their end.
contract MarketHandler is SettlingActions, WorkerActions {
    constructor() {
        // All but two test; the first six work.
        for (uint256 i = 0; i < ACTORS; i++) {
            if (i < 6) _registerWorker(actors[i], uint256(keccak256(abi.encode("worker", i))), 0);
            if (i > 1) _registerTester(actors[i], uint256(keccak256(abi.encode("tester", i))));
        }
    }

    function roll(uint256 seed) external {
        VM.roll(block.number + 1 + (seed % 5));
        _noteStates("roll");
    }

    /// @dev Beyond all windows of an epoch, beyond the reach of BLOCKHASH, beyond the longest agreement.
    function rollFar(uint256 seed) external {
        uint256 blocks =
            _isOne(seed, "very", 8)
                ? 5_000
                : _isOne(seed, "far", 4)
                    ? 257
                    : 10;
        VM.roll(block.number + blocks + (_roll(seed, "blocks") % 50));
        _noteStates("roll");
    }

    /// @dev An epoch from its draw to the money, without a dispute.
    function playEpoch(uint256 seed) public {
        (bool found, WorkAgreement agreement) = _liveOrNew(seed);
        if (!found) return;
        (bool played, uint256 epoch) = _playCommits(agreement, seed);
        if (!played) return;
        _playReveals(agreement, epoch, seed);
        if (_isOne(seed, "settle", 2)) return;
        VM.roll(agreement.windowsOf(epoch).finalFrom);
        _settle(agreement, 1 + (_roll(seed, "epochs") % 20));
    }

    /// @dev An epoch whose reports are challenged, with and without an answer, and settled.
    function playChallenge(uint256 seed) external {
        (bool found, WorkAgreement agreement) = _liveOrNew(seed);
        if (!found) return;
        if (agreement.program() == 0) _bind(agreement, agreement.client());
        (bool played, uint256 epoch) = _playCommits(agreement, seed);
        if (!played) return;
        _playReveals(agreement, epoch, seed);
        VM.roll(agreement.windowsOf(epoch).appealFrom);
        _playChallenges(agreement, epoch, seed);
        _answers(agreement, epoch, seed);
        VM.roll(agreement.windowsOf(epoch).finalFrom);
        _settle(agreement, 64);
    }

    /// @dev An epoch with appeals, challenges and a panel.
    function playDispute(uint256 seed) public {
        (bool found, WorkAgreement agreement) = _liveOrNew(seed);
        if (!found) return;
        if (agreement.program() == 0) _bind(agreement, agreement.client());
        (bool played, uint256 epoch) = _playCommits(agreement, seed);
        if (!played) return;
        _playReveals(agreement, epoch, seed);
        VM.roll(agreement.windowsOf(epoch).appealFrom);
        if (!_isOne(seed, "appeal", 4)) _playAppeal(agreement, epoch, seed);
        if (!_isOne(seed, "challenge", 4)) _playChallenges(agreement, epoch, seed);
        _answers(agreement, epoch, seed);
        // Too early, when anything was appealed or challenged.
        VM.roll(agreement.windowsOf(epoch).appealTo + 1);
        if (_isOne(seed, "early", 3)) _settle(agreement, 64);
        _playPanel(agreement, epoch, seed);
        if (_isOne(seed, "settle", 3)) return;
        uint256 finalFrom = agreement.windowsOf(epoch).finalFrom;
        if (block.number < finalFrom) VM.roll(finalFrom);
        _settle(agreement, 64);
    }

    /// @dev Goes to the end of an agreement and closes it.
    function playEnd(uint256 seed) external {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (!found) return;
        uint256 finalFrom = agreement.windowsOf(agreement.epochCount() - 1).finalFrom;
        if (block.number < finalFrom) VM.roll(finalFrom);
        _finalize(agreement);
        _withdraw(agreement, agreement.client());
    }

    /// @dev What strangers can do in the end: settle and finalize everything in bounded steps, whatever came before.
    function closeAll() external {
        VM.roll(block.number + 10_000);
        for (uint256 i = 0; i < agreements.length; i++) {
            WorkAgreement agreement = agreements[i];
            if (agreement.status() == AgreementStatus.Finalized) continue;
            uint256 count = agreement.epochCount();
            while (agreement.settledEpochs() < count) {
                uint256 left = count - agreement.settledEpochs();
                _equal(_settle(agreement, 7), left < 7 ? left : 7, "M8: a step settles what it may");
            }
            _check(_finalize(agreement), "M8: anyone can finalize");
        }
    }

    /// @dev Everybody takes all that can be taken.
    function cashOut() external {
        for (uint256 i = 0; i < ACTORS; i++) {
            for (uint256 j = 0; j < agreements.length; j++) {
                if (agreements[j].creditOf(actors[i]) != 0) _withdraw(agreements[j], actors[i]);
            }
            _withdrawFees(actors[i]);
            _withdrawBonds(actors[i]);
        }
    }
}
