// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IERC1155Receiver} from "@openzeppelin/contracts/token/ERC1155/IERC1155Receiver.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

import {IChannelProgram} from "../interfaces/IChannelProgram.sol";
import {IChannelVault} from "../interfaces/IChannelVault.sol";
import {Ether} from "../libraries/Ether.sol";
import {Asset, AssetKind} from "../types/ChannelTypes.sol";

/// @title What one channel holds, see {IChannelVault}
/// @dev A clone with the hub and the channel as immutable arguments.
contract ChannelVault is IChannelVault, IERC1155Receiver {
    using SafeERC20 for IERC20;

    modifier onlyHub() {
        address hub_ = hub();
        if (msg.sender != hub_) revert ChannelVault_NotTheHub(hub_, msg.sender);
        _;
    }

    /// @inheritdoc IChannelVault
    function fund() external payable {}

    /// @inheritdoc IChannelVault
    function take(Asset calldata asset, address from) external onlyHub returns (uint256 received) {
        if (asset.token == address(0) || asset.amount == 0) revert ChannelVault_BadAsset(asset);
        uint256 before = _balanceOf(asset);
        _move(asset, from, address(this));
        uint256 now_ = _balanceOf(asset);
        received = now_ > before ? now_ - before : 0;
        if (received == 0) revert ChannelVault_NotReceived(asset);
        if (received > asset.amount) received = asset.amount;
    }

    /// @inheritdoc IChannelVault
    function pay(Asset calldata asset, address to) external onlyHub {
        if (asset.kind == AssetKind.Ether) Ether.pay(to, asset.amount);
        else _move(asset, address(this), to);
    }

    /// @inheritdoc IERC1155Receiver
    function onERC1155Received(
        address operator,
        address,
        uint256,
        uint256,
        bytes calldata
    ) external view returns (bytes4) {
        if (operator != address(this)) revert ChannelVault_Unexpected(operator);
        return IERC1155Receiver.onERC1155Received.selector;
    }

    /// @inheritdoc IERC1155Receiver
    function onERC1155BatchReceived(
        address operator,
        address,
        uint256[] calldata,
        uint256[] calldata,
        bytes calldata
    ) external pure returns (bytes4) {
        revert ChannelVault_Unexpected(operator);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC1155Receiver).interfaceId || interfaceId == type(IERC165).interfaceId;
    }

    /// @inheritdoc IChannelVault
    function entitlementOf(
        address store,
        address account,
        bytes32 assetKey,
        bool withOwned
    ) external view returns (uint256 amount) {
        amount = IChannelProgram(store).exitsOf(account, assetKey);
        if (withOwned) amount += IChannelProgram(store).ownedOf(account, assetKey);
    }

    /// @inheritdoc IChannelVault
    function isRequested(address store, address member) external view returns (bool) {
        if (member == address(0)) return IChannelProgram(store).isCloseRequested();
        return IChannelProgram(store).isLeaveRequested(member);
    }

    /// @inheritdoc IChannelVault
    function channel() external view returns (uint256 channel_) {
        (, channel_) = _arguments();
    }

    /// @inheritdoc IChannelVault
    function hub() public view returns (address hub_) {
        (hub_, ) = _arguments();
    }

    /// @dev Of any kind but ether.
    function _move(Asset calldata asset, address from, address to) private {
        if (asset.kind == AssetKind.ERC20) {
            if (asset.id != 0) revert ChannelVault_BadAsset(asset);
            if (from == address(this)) IERC20(asset.token).safeTransfer(to, asset.amount);
            else IERC20(asset.token).safeTransferFrom(from, to, asset.amount);
        } else if (asset.kind == AssetKind.ERC721) {
            if (asset.amount != 1) revert ChannelVault_BadAsset(asset);
            IERC721(asset.token).transferFrom(from, to, asset.id);
        } else {
            IERC1155(asset.token).safeTransferFrom(from, to, asset.id, asset.amount, "");
        }
    }

    /// @dev Of an ERC-721 token: whether the vault has it.
    function _balanceOf(Asset calldata asset) private view returns (uint256) {
        if (asset.kind == AssetKind.ERC20) return IERC20(asset.token).balanceOf(address(this));
        if (asset.kind == AssetKind.ERC1155) return IERC1155(asset.token).balanceOf(address(this), asset.id);
        if (asset.kind != AssetKind.ERC721) revert ChannelVault_BadAsset(asset);
        return IERC721(asset.token).ownerOf(asset.id) == address(this) ? 1 : 0;
    }

    function _arguments() private view returns (address hub_, uint256 channel_) {
        return abi.decode(Clones.fetchCloneArgs(address(this)), (address, uint256));
    }
}
