// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {IChannelApp} from "../interfaces/IChannelApp.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {
    Asset,
    AssetKind,
    Change,
    ChannelNotice,
    Config,
    JoinConsent,
    Label,
    ProposalAction
} from "../types/ChannelTypes.sol";

/// @title What an app of channels is made of
/// @notice It creates channels, brings members in with what they carry, lets them go, and closes. It never keeps an asset:
/// what it pulls from a member it hands over to the hub in the same transaction, and what leaves the channel is claimed
/// from the hub by whom it belongs to.
abstract contract ChannelApp is IChannelApp, ERC1155Holder, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice Where its channels are.
    IChannelHub public immutable HUB;

    /// @notice Only the hub calls this.
    error ChannelApp_NotHub(address hub, address caller);

    constructor(IChannelHub hub) {
        HUB = hub;
    }

    /// @inheritdoc IChannelApp
    function onChannelNotice(uint256 channel, ChannelNotice notice, address member, uint64 height) external {
        if (msg.sender != address(HUB)) revert ChannelApp_NotHub(address(HUB), msg.sender);
        _onNotice(channel, notice, member, height);
    }

    /// @notice Lets a proposal take effect that its members passed. Anyone.
    /// @param changes See IChannelHub.executeProposal, whose errors are those of this.
    function execute(
        uint256 channel,
        uint256 proposal,
        Change[] calldata changes
    ) external returns (ProposalAction memory action) {
        action = HUB.executeProposal(channel, proposal, changes);
        _onExecuted(channel, action);
    }

    /// @dev See IChannelHub.create.
    function _create(
        address program,
        bytes memory initialState,
        Config memory config,
        Label[] memory labels
    ) internal returns (uint256 channel) {
        return HUB.create(program, initialState, config, labels);
    }

    /// @dev Joins the caller. Ether is in the value: the stake, if it comes from there, and what it carries.
    function _join(
        uint256 channel,
        JoinConsent calldata consent,
        bytes calldata signature,
        Asset[] memory assets
    ) internal nonReentrant returns (uint64 joinNumber) {
        address vault = HUB.channelOf(channel).vault;
        for (uint256 i = 0; i < assets.length; i++) {
            assets[i].amount = _pull(assets[i], vault);
        }
        joinNumber = HUB.join{value: msg.value}(channel, msg.sender, consent, signature, assets);
        for (uint256 i = 0; i < assets.length; i++) {
            if (assets[i].kind == AssetKind.ERC1155) IERC1155(assets[i].token).setApprovalForAll(vault, false);
        }
    }

    /// @dev Asks for the caller's leave.
    function _leave(uint256 channel) internal {
        HUB.leaveFor(channel, msg.sender);
    }

    function _close(uint256 channel) internal {
        HUB.close(channel);
    }

    /// @dev For apps that keep something beside the channel. Whatever it does, the hub goes on.
    function _onNotice(uint256 channel, ChannelNotice notice, address member, uint64 height) internal virtual {}

    /// @dev For apps that act on what their members passed; only what goes through `execute` comes here.
    function _onExecuted(uint256 channel, ProposalAction memory action) internal virtual {}

    /// @dev Takes an asset from the caller and lets the vault take it from here.
    /// @return amount As much as arrived: some tokens keep a fee.
    function _pull(Asset memory asset, address vault) private returns (uint256 amount) {
        if (asset.kind == AssetKind.Ether) return asset.amount;
        if (asset.kind == AssetKind.ERC20) {
            IERC20 token = IERC20(asset.token);
            uint256 before = token.balanceOf(address(this));
            token.safeTransferFrom(msg.sender, address(this), asset.amount);
            amount = token.balanceOf(address(this)) - before;
            token.forceApprove(vault, amount);
        } else if (asset.kind == AssetKind.ERC721) {
            IERC721(asset.token).transferFrom(msg.sender, address(this), asset.id);
            IERC721(asset.token).approve(vault, asset.id);
            amount = asset.amount;
        } else {
            IERC1155(asset.token).safeTransferFrom(msg.sender, address(this), asset.id, asset.amount, "");
            IERC1155(asset.token).setApprovalForAll(vault, true);
            amount = asset.amount;
        }
    }
}
