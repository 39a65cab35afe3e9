// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPriceFeed} from "../interfaces/IPriceFeed.sol";

/// @title A price that never changes
/// @notice For chains on which no feed answers, such as devnet, and for those who agree on a price: its one answer is
/// given at deployment, nobody can change it, and it is always of this very second.
contract FixedPriceFeed is IPriceFeed {
    /// @notice The one round that there is.
    uint80 public constant ROUND = 1;

    uint8 private immutable DECIMALS;
    int256 private immutable ANSWER;

    /// @notice The feed has one round.
    error FixedPriceFeed_UnknownRound(uint80 expected, uint80 actual);
    /// @notice A price is positive.
    error FixedPriceFeed_BadAnswer(int256 answer);

    constructor(uint8 decimals_, int256 answer) {
        if (answer <= 0) revert FixedPriceFeed_BadAnswer(answer);
        DECIMALS = decimals_;
        ANSWER = answer;
    }

    /// @inheritdoc IPriceFeed
    function decimals() external view returns (uint8) {
        return DECIMALS;
    }

    /// @inheritdoc IPriceFeed
    function description() external pure returns (string memory) {
        return "ETH / USD, fixed";
    }

    /// @inheritdoc IPriceFeed
    function version() external pure returns (uint256) {
        return 1;
    }

    /// @inheritdoc IPriceFeed
    function getRoundData(uint80 roundId) external view returns (uint80, int256, uint256, uint256, uint80) {
        if (roundId != ROUND) revert FixedPriceFeed_UnknownRound(ROUND, roundId);
        return (ROUND, ANSWER, block.timestamp, block.timestamp, ROUND);
    }

    /// @inheritdoc IPriceFeed
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (ROUND, ANSWER, block.timestamp, block.timestamp, ROUND);
    }
}
