// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What ether costs in USD
/// @notice Chainlink's AggregatorV3Interface, to the selector: any of its feeds can be plugged in. An answer of
/// 300000000000 with 8 decimals is 3,000 USD for one ether.
interface IPriceFeed {
    /// @notice How many decimals an answer has.
    function decimals() external view returns (uint8);

    /// @notice What the feed is of, such as "ETH / USD".
    function description() external view returns (string memory);

    /// @notice The version of the feed's code.
    function version() external view returns (uint256);

    /// @notice The answer of an earlier round.
    function getRoundData(
        uint80 roundId
    ) external view returns (uint80 id, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// @notice The newest answer, and since when it stands, in seconds since 1970.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
