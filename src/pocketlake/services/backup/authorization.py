"""What each operation on vaults, plans, jobs and recovery points must be permitted.

Source: Service Authorization Reference, "AWS Backup". A job's role must be one that its caller may pass.
"""

from __future__ import annotations

from pocketlake.kernel.authorization import ANY, Authorization, On, template

VAULT = template("backup", "backup-vault:{BackupVaultName}")
PLAN = template("backup", "backup-plan:{BackupPlanId}")
NEW_PLAN = template("backup", "backup-plan:*")
REPORTS = template("backup", "report-plan:{ReportPlanName}-*")
POINT = "{RecoveryPointArn}"
RESOURCE = "{ResourceArn}"
PASS_ROLE = On("{IamRoleArn}", "iam:PassRole", given="IamRoleArn")

authorization = Authorization(
    "backup",
    {
        "create_backup_plan": (On(NEW_PLAN), On(NEW_PLAN, "TagResource", given="BackupPlanTags")),
        "create_backup_selection": (On(PLAN), On("{BackupSelection.IamRoleArn}", "iam:PassRole")),
        "create_backup_vault": (On(VAULT), On(VAULT, "TagResource", given="BackupVaultTags")),
        "create_report_plan": (On(REPORTS), On(REPORTS, "TagResource", given="ReportPlanTags")),
        "delete_backup_plan": PLAN,
        "delete_backup_selection": PLAN,
        "delete_backup_vault": VAULT,
        "delete_backup_vault_access_policy": VAULT,
        "delete_backup_vault_lock_configuration": VAULT,
        "delete_backup_vault_notifications": VAULT,
        "delete_recovery_point": POINT,
        "delete_report_plan": REPORTS,
        "describe_backup_job": ANY,
        "describe_backup_vault": VAULT,
        "describe_copy_job": ANY,
        "describe_global_settings": ANY,
        "describe_protected_resource": ANY,
        "describe_recovery_point": POINT,
        "describe_region_settings": ANY,
        "describe_report_plan": REPORTS,
        "describe_restore_job": ANY,
        "export_backup_plan_template": ANY,
        "get_backup_plan": PLAN,
        "get_backup_plan_from_json": On(ANY, "GetBackupPlanFromJSON"),
        "get_backup_selection": PLAN,
        "get_backup_vault_access_policy": VAULT,
        "get_backup_vault_notifications": VAULT,
        "get_recovery_point_restore_metadata": POINT,
        "get_restore_job_metadata": ANY,
        "get_supported_resource_types": ANY,
        "list_backup_jobs": ANY,
        "list_backup_plan_versions": PLAN,
        "list_backup_plans": ANY,
        "list_backup_selections": PLAN,
        "list_backup_vaults": ANY,
        "list_copy_jobs": ANY,
        "list_protected_resources": ANY,
        "list_protected_resources_by_backup_vault": VAULT,
        "list_recovery_points_by_backup_vault": VAULT,
        "list_recovery_points_by_resource": ANY,
        "list_report_plans": ANY,
        "list_restore_jobs": ANY,
        "list_restore_jobs_by_protected_resource": ANY,
        "list_tags": RESOURCE,
        "put_backup_vault_access_policy": VAULT,
        "put_backup_vault_lock_configuration": VAULT,
        "put_backup_vault_notifications": VAULT,
        "start_backup_job": (On(VAULT), PASS_ROLE),
        "start_copy_job": (On(POINT), PASS_ROLE),
        "start_restore_job": (On(POINT), PASS_ROLE),
        "stop_backup_job": ANY,
        "tag_resource": RESOURCE,
        "untag_resource": RESOURCE,
        "update_backup_plan": PLAN,
        "update_global_settings": ANY,
        "update_recovery_point_lifecycle": POINT,
        "update_region_settings": ANY,
        "update_report_plan": REPORTS,
    },
)
