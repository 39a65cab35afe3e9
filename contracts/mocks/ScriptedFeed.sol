// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPriceFeed} from "../interfaces/IPriceFeed.sol";

/// @title A price feed that does what a test tells it, well or badly
contract ScriptedFeed is IPriceFeed {
    enum Mood {
        // Answers as it was told.
        Answer,
        Refuse,
        // Uses all gas that it gets.
        BurnGas,
        // Answers one word less than an answer has.
        Short,
        // Answers rightly, and very much after it.
        Long
    }

    uint256 private constant SHORT_BYTES = 0x80;
    uint256 private constant LONG_BYTES = 0x4000;

    uint8 public decimals = 8;
    Mood private _mood;
    int256 private _answer;
    /// @dev Zero: of this very second.
    uint256 private _updatedAt;

    error ScriptedFeed_Refused();

    function setAnswer(int256 answer, uint256 updatedAt) external {
        _mood = Mood.Answer;
        _answer = answer;
        _updatedAt = updatedAt;
    }

    function setMood(Mood mood) external {
        _mood = mood;
    }

    function setDecimals(uint8 decimals_) external {
        decimals = decimals_;
    }

    function description() external pure returns (string memory) {
        return "ETH / USD, scripted";
    }

    function version() external pure returns (uint256) {
        return 1;
    }

    function getRoundData(uint80) external view returns (uint80, int256, uint256, uint256, uint80) {
        return _round();
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return _round();
    }

    function _round() private view returns (uint80, int256, uint256, uint256, uint80) {
        if (_mood == Mood.Refuse) revert ScriptedFeed_Refused();
        uint256 burnt;
        while (_mood == Mood.BurnGas) {
            burnt++;
        }
        uint256 updatedAt = _updatedAt == 0 ? block.timestamp : _updatedAt;
        if (_mood == Mood.Short || _mood == Mood.Long) {
            bytes memory answer = new bytes(LONG_BYTES);
            uint256 size = _mood == Mood.Short ? SHORT_BYTES : LONG_BYTES;
            int256 said = _answer;
            assembly ("memory-safe") {
                mstore(add(answer, 0x40), said)
                mstore(add(answer, 0x80), updatedAt)
                return(add(answer, 0x20), size)
            }
        }
        return (1, _answer, updatedAt, updatedAt, 1);
    }
}
