// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Asset} from "../types/ChannelTypes.sol";

/// @title What one channel holds: stakes, and the assets that members brought
/// @notice A clone for each channel, so that a token that loses or forgets balances harms nobody but those who brought it into
/// the same channel. The hub keeps the books; the vault moves things, and nobody but the hub moves it.
interface IChannelVault {
    /// @notice Only the hub may.
    error ChannelVault_NotTheHub(address hub, address caller);
    /// @notice There is no such kind of asset, or it cannot have this id or amount.
    error ChannelVault_BadAsset(Asset asset);
    /// @notice The token said that it moved the asset, and did not.
    error ChannelVault_NotReceived(Asset asset);
    /// @notice ERC-1155 tokens come by `take` alone.
    error ChannelVault_Unexpected(address operator);

    /// @notice Takes ether in; anybody may, and gets nothing for it.
    function fund() external payable;

    /// @notice Pulls an asset that is no ether from an account that has approved this vault. The hub only.
    /// @return received How much came, which is less than was asked for where the token takes a fee, and never more.
    /// @dev Reverts with ChannelVault_NotTheHub, ChannelVault_BadAsset, ChannelVault_NotReceived, or what the token says.
    function take(Asset calldata asset, address from) external returns (uint256 received);

    /// @notice Hands an asset over. The hub only.
    /// @dev Reverts with ChannelVault_NotTheHub, ChannelVault_BadAsset, or what the token or the receiver of ether says. An
    /// ERC-721 token is handed over without asking the receiver.
    function pay(Asset calldata asset, address to) external;

    /// @notice What ever left a channel for an account, as the channel's store has it.
    /// @param withOwned Also what the account still owns in it.
    /// @dev The hub cannot ask the store itself: whatever it says there is written. Reverts as the store.
    function entitlementOf(
        address store,
        address account,
        bytes32 assetKey,
        bool withOwned
    ) external view returns (uint256 amount);

    /// @notice Whether a channel's program asks for a member's leave, or with address zero for the channel's end, as the
    /// channel's store has it.
    /// @dev See `entitlementOf`. Reverts as the store.
    function isRequested(address store, address member) external view returns (bool);

    function hub() external view returns (address);

    function channel() external view returns (uint256);
}
